"""Tests that detections and truth of validations are kept: the newest and the best, completely or not at all."""
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset, VOCDataset
from mmdet.structures.mask import encode_mask_results
from pycocotools import mask as mask_tools

from mmresizemix import CocoMetric, DetectionDump
from mmresizemix.datasets import write_scenes
from mmresizemix.runs.detection_index import DumpIndex

CLASSES = ('circle', 'square', 'triangle', 'ring', 'cross', 'star')


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(1, 1), crop_size=16,
                        coco=(1, 5), voc=(1, 1, 5), scene_size=(96, 96))


def coco(scenes, classes=CLASSES):
    return CocoDataset(
        ann_file='annotations/instances_val2017.json', data_root=str(scenes / 'coco'),
        data_prefix=dict(img='val2017/'), metainfo=dict(classes=classes), test_mode=True)


def voc(scenes):
    return VOCDataset(
        ann_file='VOC2007/ImageSets/Main/test.txt', data_root=str(scenes / 'VOCdevkit'),
        data_prefix=dict(sub_data_root='VOC2007/'), metainfo=dict(classes=CLASSES), test_mode=True)


def runner_over(dataset, work_dir, epoch=1):
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset),
                           evaluator=SimpleNamespace(metrics=[]))
    return SimpleNamespace(val_loop=loop, test_loop=loop, work_dir=str(work_dir), epoch=epoch,
                           _load_from=None)


def validate(hook, runner, score, epoch):
    """Run one validation, with one detection per image. Its box and score say which image it is."""
    runner.epoch = epoch
    hook.before_val(runner)
    dataset = runner.val_loop.dataloader.dataset
    [metric] = runner.val_loop.evaluator.metrics
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        metric.process({}, [dict(img_id=info['img_id'], img_path=info['img_path'], pred_instances=dict(
            bboxes=torch.tensor([[i, 1., 10 + i, 21.]]), labels=torch.tensor([i % 2]),
            scores=torch.tensor([(i + 1) / 10])))])
    metric.evaluate(len(dataset))
    hook.after_val_epoch(runner, {'coco/bbox_mAP': score})


def test_detections_are_coco_json_with_every_digit(scenes, tmp_path):
    hook, dataset = DetectionDump(), coco(scenes)
    validate(hook, runner_over(dataset, tmp_path), 0.5, epoch=3)
    found = json.loads((tmp_path / 'detections/epoch_3.bbox.json').read_text())
    official = json.loads((scenes / 'coco/annotations/instances_val2017.json').read_text())
    assert {d['image_id'] for d in found} == {i['id'] for i in official['images']}
    ids = {c['name']: c['id'] for c in official['categories']}
    assert {d['category_id'] for d in found} == {ids['circle'], ids['square']}
    for i, d in enumerate(found):
        assert d['bbox'] == [i, 1, 10, 20] and d['score'] == torch.tensor((i + 1) / 10).item()


def test_the_truth_of_coco_is_the_files_without_masks(scenes, tmp_path):
    validate(DetectionDump(), runner_over(coco(scenes), tmp_path), 0.5, epoch=1)
    truth = json.loads((tmp_path / 'detections/truth.json').read_text())
    official = json.loads((scenes / 'coco/annotations/instances_val2017.json').read_text())
    assert len(truth['annotations']) == len(official['annotations']) > 0
    for ours, theirs in zip(truth['annotations'], official['annotations']):
        assert ours == {k: theirs[k] for k in ours} and 'area' in ours and 'segmentation' not in ours


MASKS = torch.zeros(3, 96, 96, dtype=torch.bool)
MASKS[0, 10:30, 5:20] = MASKS[1, :, 95] = True  # the third one is empty


@pytest.mark.parametrize('encode', [lambda masks: masks, lambda masks: encode_mask_results(masks.numpy())],
                         ids=['tensors', 'run lengths'])
@pytest.mark.parametrize('scores', [{}, dict(mask_scores=torch.tensor([.5, .25, .125]))])
def test_masks_are_kept_pixel_by_pixel_if_they_are_evaluated(scenes, tmp_path, encode, scores):
    hook, runner = DetectionDump(), runner_over(coco(scenes), tmp_path)
    annotations = str(scenes / 'coco/annotations/instances_val2017.json')
    runner.val_loop.evaluator.metrics.append(CocoMetric(ann_file=annotations, metric=['bbox', 'segm']))
    hook.before_val(runner)
    metric = runner.val_loop.evaluator.metrics[1]
    ids = [runner.val_loop.dataloader.dataset.get_data_info(i)['img_id'] for i in range(5)]
    for image_id in ids:
        metric.process({}, [dict(img_id=image_id, pred_instances=dict(
            bboxes=torch.tensor([[5., 10, 20, 30]] * 3), labels=torch.arange(3), scores=torch.tensor([.1, .2, .3]),
            masks=encode(MASKS), **scores))])
    metric.evaluate(5)
    hook.after_val_epoch(runner, {'coco/bbox_mAP': .5})
    folder = tmp_path / 'detections'
    found = json.loads((folder / DumpIndex.read(folder).epochs['1'].masks).read_text())
    assert [(one['image_id'], one['category_id']) for one in found] == [(i, c) for i in ids for c in (1, 2, 3)]
    expected = scores.get('mask_scores', torch.tensor([.1, .2, .3])).tolist()
    assert [one['score'] for one in found] == expected * 5 and 'bbox' not in found[0]
    kept = [mask_tools.decode(one['segmentation']) for one in found[:3]]
    assert np.array_equal(kept, MASKS.numpy())
    # The truth has the masks of the file. The next validation, without a better one, takes its files away.
    truth, official = (json.loads(path.read_text()) for path in (folder / 'truth.json', Path(annotations)))
    assert truth['annotations'] == [{k: one[k] for k in truth['annotations'][0]} for one in official['annotations']]
    assert 'segmentation' in truth['annotations'][0]
    for epoch in (2, 3):
        runner.epoch = epoch
        hook.before_val(runner)
        metric.process({}, [dict(img_id=ids[0], pred_instances=dict(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0), scores=torch.zeros(0), masks=MASKS[:0]))])
        metric.evaluate(1)
        hook.after_val_epoch(runner, {'coco/bbox_mAP': .5})
    assert sorted(p.name for p in folder.glob('epoch_*')) == [
        f'epoch_{epoch}.{kind}.json' for epoch in (1, 3) for kind in ('bbox', 'segm')]


def test_classes_that_are_not_the_detectors_are_left_out(scenes, tmp_path):
    validate(DetectionDump(), runner_over(coco(scenes, CLASSES[:2]), tmp_path), 0.5, epoch=1)
    truth = json.loads((tmp_path / 'detections/truth.json').read_text())
    assert [c['name'] for c in truth['categories']] == list(CLASSES[:2])
    assert {a['category_id'] for a in truth['annotations']} <= {c['id'] for c in truth['categories']}


def test_labels_have_the_numbers_that_the_data_set_gives_them(scenes, tmp_path):
    """MMDetection numbers labels in the order of the file, not of the config."""
    dataset = coco(scenes, CLASSES[1::-1])
    validate(DetectionDump(), runner_over(dataset, tmp_path), 0.5, epoch=1)
    found = json.loads((tmp_path / 'detections/epoch_1.bbox.json').read_text())
    assert [d['category_id'] for d in found] == [dataset.cat_ids[i % 2] for i in range(5)]
    truth = json.loads((tmp_path / 'detections/truth.json').read_text())
    official = json.loads((scenes / 'coco/annotations/instances_val2017.json').read_text())
    names = {c['id']: c['name'] for c in official['categories']}
    assert {c['id']: c['name'] for c in truth['categories']} == {i: names[i] for i in dataset.cat_ids}


def test_the_truth_of_voc_numbers_its_images_and_keeps_the_difficult(scenes, tmp_path):
    shutil.copytree(scenes / 'VOCdevkit', tmp_path / 'VOCdevkit')
    for xml in (tmp_path / 'VOCdevkit/VOC2007/Annotations').iterdir():
        text = xml.read_text().replace('<difficult>0', '<difficult>1', 1)  # the first object of each picture
        assert '<difficult>1' in text
        xml.write_text(text)
    dataset = voc(tmp_path)
    validate(DetectionDump(), runner_over(dataset, tmp_path), 0.5, epoch=1)
    truth = json.loads((tmp_path / 'detections/truth.json').read_text())
    assert [i['id'] for i in truth['images']] == [1, 2, 3, 4, 5]
    expected = [x for i in range(5) for x in dataset.get_data_info(i)['instances']]
    assert [a['iscrowd'] for a in truth['annotations']] == [x['ignore_flag'] for x in expected]
    assert sum(a['iscrowd'] for a in truth['annotations']) == 5 < len(expected)
    for a, x in zip(truth['annotations'], expected):
        left, top, right, bottom = x['bbox']
        assert a['bbox'] == [left, top, right - left, bottom - top]


def test_the_newest_and_the_best_are_kept(scenes, tmp_path):
    hook, runner = DetectionDump(), runner_over(coco(scenes), tmp_path)
    kept = []
    for epoch, score in enumerate((.1, .5, .2, .3), 1):
        validate(hook, runner, score, epoch)
        kept.append(sorted(p.name for p in (tmp_path / 'detections').glob('epoch_*')))
    one, two, three, four = (f'epoch_{e}.bbox.json' for e in (1, 2, 3, 4))
    assert kept == [[one], [two], [two, three], [two, four]]
    assert list(DumpIndex.read(tmp_path / 'detections').epochs) == ['2', '4']


def test_a_resumed_run_keeps_the_best_of_before(scenes, tmp_path):
    validate(DetectionDump(), runner_over(coco(scenes), tmp_path), 0.5, epoch=1)
    validate(DetectionDump(), runner_over(coco(scenes), tmp_path), 0.2, epoch=2)
    index = DumpIndex.read(tmp_path / 'detections')
    assert index.epochs['1'].metrics == {'coco/bbox_mAP': 0.5} and list(index.epochs) == ['1', '2']


def test_the_same_set_has_one_digest_and_another_set_drops_what_was(scenes, tmp_path):
    validate(DetectionDump(), runner_over(coco(scenes), tmp_path / 'a'), 0.5, epoch=1)
    validate(DetectionDump(), runner_over(coco(scenes), tmp_path / 'b'), 0.5, epoch=1)
    first, second = (DumpIndex.read(tmp_path / name / 'detections') for name in 'ab')
    assert first.truth_sha256 == second.truth_sha256
    validate(DetectionDump(), runner_over(voc(scenes), tmp_path / 'a'), 0.1, epoch=2)
    assert list(DumpIndex.read(tmp_path / 'a/detections').epochs) == ['2']
    assert not (tmp_path / 'a/detections/epoch_1.bbox.json').exists()


def test_an_image_of_another_set_is_an_error(scenes, tmp_path):
    hook, runner = DetectionDump(), runner_over(coco(scenes), tmp_path)
    hook.before_val(runner)
    [metric] = runner.val_loop.evaluator.metrics
    nothing = dict(bboxes=torch.zeros(0, 4), labels=torch.zeros(0), scores=torch.zeros(0))
    with pytest.raises(KeyError, match='image 777 is not in the evaluation set'):
        metric.process({}, [dict(img_id=777, pred_instances=nothing)])
