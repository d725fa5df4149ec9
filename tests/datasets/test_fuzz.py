"""Tests that no content of an annotation file ends a check in a traceback, and that what a check calls usable is read by
MMDetection and evaluated rightly. Hypothesis draws the changes: a few by default, many with --full."""
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmdet.datasets import CocoDataset, XMLDataset
from mmdet.evaluation import eval_map

from mmresizemix import CocoMetric
from mmresizemix.datasets import (
    COCO2017,
    SCENE_CLASSES,
    CocoSplit,
    VocSplit,
    check_coco,
    check_voc,
    coco,
    voc,
    write_scenes,
)
from mmresizemix.datasets.as_mmdet import TRAINING_FILTER

SPLITS = [CocoSplit(split.annotations, split.pictures) for split in COCO2017]
LISTS = [VocSplit('', 'trainval'), VocSplit('', 'test')]
KEYS = ('id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'ignore', 'segmentation', 'file_name', 'width', 'height',
        'name', 'supercategory')
NUMBERS = st.one_of(st.integers(-3, 200), st.sampled_from([2**31, 2**53 + 1, 2**64, 10**400]),
                    st.floats(allow_nan=True, allow_infinity=True, width=64))
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), st.sampled_from(SCENE_CLASSES),
                   st.lists(NUMBERS, max_size=5), st.lists(st.integers(-5, 70), min_size=4, max_size=4))
CHANGE = st.tuples(st.sampled_from(['set', 'drop', 'copy', 'remove', 'move']),
                   st.sampled_from(['images', 'annotations', 'categories']), st.integers(0, 10), st.sampled_from(KEYS),
                   VALUES)
# With these, an object of the evaluation set is counted as missed, as the warning says.
MISSED = {coco.SKIPPED_BOX, coco.MANY_BOXES, coco.UNKNOWN_CLASS, coco.STRAY}
PLACES = st.tuples(st.sampled_from(['width', 'height', 'name', 'difficult', 'xmin', 'ymin', 'xmax', 'ymax', 'bndbox', 'size',
                                    'object', 'annotation']), st.integers(0, 5))
TEXTS = st.one_of(st.none(), NUMBERS.map(str), st.text('0123456789.-+e <>&x\x00', max_size=6), st.sampled_from(SCENE_CLASSES))


@pytest.fixture(scope='module')
def scenes(tmp_path_factory) -> Path:
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(0, 0), coco=(3, 3), voc=(2, 1, 2),
                        scene_size=(64, 64))


@pytest.fixture
def examples(full) -> settings:
    return settings(max_examples=3000 if full else 60, deadline=None, derandomize=not full, database=None,
                    suppress_health_check=list(HealthCheck))


def change_json(content: dict, change: tuple) -> None:
    kind, part, i, key, value = change
    entries = content[part]
    if not entries:
        return
    entry = entries[i % len(entries)]
    if kind == 'copy':
        entries.append(json.loads(json.dumps(entry)))
    elif kind == 'remove':
        entries.remove(entry)
    elif kind == 'move':
        entries.append(entries.pop(i % len(entries)))
    elif kind == 'drop':
        entry.pop(key, None)
    else:
        entry[key] = value


def ap_of_perfect_detections(path: Path, content: dict) -> float:
    """Return COCO's AP if every object is found, or 1 if there is none."""
    metric = CocoMetric(ann_file=str(path))
    metric.dataset_meta = dict(classes=SCENE_CLASSES)
    wanted = {one['id']: one['name'] for one in content['categories'] if one['name'] in SCENE_CLASSES}
    label = {number: i for i, number in enumerate(wanted)}
    for image in content['images']:
        found = [one for one in content['annotations'] if one['image_id'] == image['id'] and one['category_id'] in label]
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (one['bbox'] for one in found)], float).reshape(-1, 4)
        metric.results.append(({}, dict(img_id=image['id'], bboxes=boxes, scores=np.ones(len(found)), labels=np.array(
            [label[one['category_id']] for one in found], int))))
    ap = metric.evaluate(len(content['images']))['coco/bbox_mAP']
    return 1.0 if ap == -1 else ap


def test_whatever_a_json_says(scenes, tmp_path, examples):
    root = shutil.copytree(scenes / 'coco', tmp_path / 'coco')
    files = [root / split.annotations for split in SPLITS]
    sound = [path.read_text() for path in files]

    @examples
    @given(st.sampled_from([0, 1]), st.lists(CHANGE, min_size=1, max_size=3))
    def try_one(which, changes):
        for path, text in zip(files, sound):
            path.write_text(text)
        content = json.loads(sound[which])
        for change in changes:
            change_json(content, change)
        files[which].write_text(json.dumps(content))
        report = check_coco(root, SPLITS, SCENE_CLASSES, decode=False)
        assert report.text().encode()
        if not report.usable:
            return
        for split, path in zip(SPLITS, files):
            data = CocoDataset(ann_file=str(path), data_prefix=dict(img=str(root / split.pictures)), pipeline=[],
                               metainfo=dict(classes=SCENE_CLASSES), filter_cfg=TRAINING_FILTER,
                               test_mode=not split.is_trained_on)
            labels = [box['bbox_label'] for i in range(len(data)) for box in data.get_data_info(i)['instances']]
            assert labels and max(labels) < len(SCENE_CLASSES)
        if not MISSED & {fault.kind for fault in report.faults}:
            assert ap_of_perfect_detections(files[1], json.loads(files[1].read_text())) == pytest.approx(1)

    try_one()


def test_whatever_bytes_a_json_has(scenes, tmp_path, examples):
    root = shutil.copytree(scenes / 'coco', tmp_path / 'coco')
    path = root / SPLITS[0].annotations
    sound = path.read_bytes()

    @examples
    @given(st.integers(0, len(sound)), st.integers(0, 20), st.binary(max_size=8))
    def try_one(at, cut, put):
        path.write_bytes(sound[:at] + put + sound[at + cut:])
        assert check_coco(root, SPLITS, SCENE_CLASSES, decode=False).text().encode()

    try_one()


def test_whatever_an_xml_says(scenes, tmp_path, examples):
    root = shutil.copytree(scenes / 'VOCdevkit/VOC2007', tmp_path / 'voc')
    files = {split: sorted((root / 'Annotations').glob('0*' if split.is_trained_on else '5*'))[0] for split in LISTS}
    sound = {split: path.read_text() for split, path in files.items()}

    @examples
    @given(st.sampled_from(LISTS), st.lists(st.tuples(PLACES, TEXTS), min_size=1, max_size=3))
    def try_one(which, changes):
        for split, path in files.items():
            path.write_text(sound[split])
        text = sound[which]
        for (tag, number), value in changes:
            parts = text.split(f'<{tag}>')
            i = 1 + number % max(1, len(parts) - 1)
            if i < len(parts) and f'</{tag}>' in parts[i]:
                tail = parts[i].partition(f'</{tag}>')[2]
                head = f'<{tag}>'.join(parts[:i])
                rest = ''.join(f'<{tag}>{part}' for part in parts[i + 1:])
                text = head + (f'<{tag}/>' if value is None else f'<{tag}>{value}</{tag}>') + tail + rest
        files[which].write_text(text)
        report = check_voc(root, LISTS, SCENE_CLASSES, decode=False)
        assert report.text().encode()
        if not report.usable:
            return
        for split in LISTS:
            data = XMLDataset(ann_file=str(split.list_path(root)), data_prefix=dict(sub_data_root=str(root)), pipeline=[],
                              metainfo=dict(classes=SCENE_CLASSES), filter_cfg=TRAINING_FILTER,
                              test_mode=not split.is_trained_on)
            assert any(data.get_data_info(i)['instances'] for i in range(len(data)))
        if not {voc.HARMLESS_BOX} & {fault.kind for fault in report.faults}:
            # MMDetection starts a pool of processes for several pictures, so they lie side by side in one.
            boxes = [(np.array(box['bbox'], float) + 1000 * i, box['bbox_label']) for i in range(len(data))
                     for box in data.get_data_info(i)['instances'] if not box['ignore_flag']]
            truth = dict(bboxes=np.array([box for box, _ in boxes]).reshape(-1, 4),
                         labels=np.array([label for _, label in boxes], int))
            found = [np.array([[*box, 1] for box, label in boxes if label == k]).reshape(-1, 5)
                     for k in range(len(SCENE_CLASSES))]
            assert eval_map([found], [truth], logger='silent')[0] == pytest.approx(1)

    try_one()
