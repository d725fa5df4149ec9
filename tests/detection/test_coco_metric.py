"""Tests that the unrounded AP equals pycocotools', and also mmdet's to as many digits as mmdet gives."""
import json

import numpy as np
import pytest
import torch
from mmdet.evaluation import CocoMetric as MMDetCocoMetric
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmresizemix import CocoMetric
from mmresizemix.datasets.scene_files import run_lengths

CLASSES = ('cat', 'dog', 'bird')


@pytest.fixture
def annotations(tmp_path):
    """An annotation file of 40 pictures with objects of three classes and all sizes. One picture has no objects."""
    rng = np.random.default_rng(0)
    boxes = []
    for image in range(40):
        for _ in range(0 if image == 7 else rng.integers(1, 6)):
            w, h = rng.uniform(8, 180, 2)
            boxes.append(dict(id=len(boxes) + 1, image_id=image, iscrowd=0, area=w * h,
                              category_id=int(rng.integers(1, 4)),
                              bbox=[*rng.uniform(0, 60, 2), w, h]))
    for box in boxes:
        box.update(segmentation=run_lengths(disc(*box['bbox'])))
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(dict(
        images=[dict(id=i, width=320, height=320, file_name=f'{i}.jpg') for i in range(40)],
        annotations=boxes,
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)])))
    return path


def disc(x, y, w, h) -> np.ndarray:
    """Return the mask of the ellipse inside a box."""
    rows, columns = np.mgrid[:320, :320] + .5
    return ((columns - x - w / 2) / w)**2 + ((rows - y - h / 2) / h)**2 <= .25


def with_masks(path):
    """Yield the detections with the mask of the ellipse inside each box, and scores of their own for masks."""
    for sample in detections(path):
        found = sample['pred_instances']
        masks = [disc(*box[:2], *(box[2:] - box[:2])) for box in found['bboxes'].numpy()]
        found['masks'] = torch.tensor(np.array(masks).reshape(-1, 320, 320))
        found['mask_scores'] = found['scores'].flip(0)
        yield sample


def detections(path, seed=1):
    """Yield the truth with noise on its boxes, and with some classes and scores wrong."""
    rng = np.random.default_rng(seed)
    by_image = {i: [] for i in range(40)}
    for box in json.loads(path.read_text())['annotations']:
        by_image[box['image_id']].append(box)
    for image, boxes in by_image.items():
        xywh = np.array([b['bbox'] for b in boxes]).reshape(-1, 4)
        xywh = xywh + rng.normal(0, 6, xywh.shape)
        labels = [b['category_id'] - 1 if rng.random() < .8 else 0 for b in boxes]
        xyxy = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), 1)
        yield dict(img_id=image, pred_instances=dict(
            bboxes=torch.tensor(xyxy), scores=torch.tensor(rng.random(len(boxes))),
            labels=torch.tensor(labels, dtype=torch.long)))


def evaluate(kind, path, samples, **settings):
    metric = kind(ann_file=str(path) or None, **settings)
    metric.dataset_meta = dict(classes=CLASSES)
    samples = list(samples)
    for sample in samples:
        metric.process({}, [dict(sample, ori_shape=(320, 320))])
    return metric.evaluate(len(samples))


def many_detections(path):
    """Yield the detections and 200 false ones per image, all of one class, as an untrained SSD leaves them."""
    rng = np.random.default_rng(2)
    for sample in detections(path):
        found, more = sample['pred_instances'], 200
        corners = rng.uniform(0, 250, (more, 2))
        boxes = np.concatenate((corners, corners + rng.uniform(5, 70, (more, 2))), 1)
        yield dict(sample, pred_instances=dict(
            bboxes=torch.cat((found['bboxes'], torch.tensor(boxes))),
            scores=torch.cat((0.5 * found['scores'], torch.tensor(rng.random(more)))),
            labels=torch.cat((found['labels'], torch.zeros(more, dtype=torch.long)))))


@pytest.mark.parametrize('drawn', [detections, many_detections])
def test_equals_pycocotools_to_the_last_digit(annotations, tmp_path, drawn):
    ours = evaluate(CocoMetric, annotations, drawn(annotations),
                    outfile_prefix=str(tmp_path / 'out'))
    truth = COCO(str(annotations))
    reference = COCOeval(truth, truth.loadRes(str(tmp_path / 'out.bbox.json')), 'bbox')
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    names = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
    assert [ours[f'coco/bbox_{n}'] for n in names] == pytest.approx(reference.stats[:6], abs=1e-12)
    assert 0.05 < ours['coco/bbox_mAP'] < 0.9


def test_masks_equal_pycocotools_to_the_last_digit(annotations, tmp_path):
    ours = evaluate(CocoMetric, annotations, with_masks(annotations), metric=['bbox', 'segm'],
                    outfile_prefix=str(tmp_path / 'out'))
    truth = COCO(str(annotations))
    for kind in ('bbox', 'segm'):
        found = json.loads((tmp_path / f'out.{kind}.json').read_text())
        if kind == 'segm':
            for one in found:
                one.pop('bbox')  # as mmdet does: the size of an object is that of its mask
        reference = COCOeval(truth, truth.loadRes(found), kind)
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
        names = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
        assert [ours[f'coco/{kind}_{n}'] for n in names] == pytest.approx(reference.stats[:6], abs=1e-12)
    assert 0.05 < ours['coco/segm_mAP'] != ours['coco/bbox_mAP']


def test_masks_equal_mmdets_where_that_has_digits(annotations):
    settings = dict(metric=['bbox', 'segm'], classwise=True)
    ours = evaluate(CocoMetric, annotations, with_masks(annotations), **settings)
    theirs = evaluate(MMDetCocoMetric, annotations, with_masks(annotations), **settings)
    # mmdet gives the classes of masks the names of those of boxes.
    ours.update({f'coco/{name}_precision': ours.pop(f'coco/segm_{name}_precision') for name in CLASSES})
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=0.0005001), name


def test_a_detector_without_masks_is_told_so(annotations):
    with pytest.raises(ValueError, match="CocoMetric: metric='segm' needs masks"):
        evaluate(CocoMetric, annotations, detections(annotations), metric=['bbox', 'segm'])


def test_equals_mmdets_where_that_has_digits(annotations):
    ours = evaluate(CocoMetric, annotations, detections(annotations), classwise=True)
    theirs = evaluate(MMDetCocoMetric, annotations, detections(annotations), classwise=True)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=0.0005001), name
    assert ours['coco/bbox_mAP'] != round(ours['coco/bbox_mAP'], 3)


def test_no_detection_is_an_ap_of_zero(annotations):
    nothing = dict(bboxes=torch.zeros(0, 4), scores=torch.zeros(0),
                   labels=torch.zeros(0, dtype=torch.long))
    ours = evaluate(CocoMetric, annotations,
                    [dict(img_id=i, pred_instances=nothing) for i in range(40)])
    assert ours['coco/bbox_mAP'] == 0


def test_a_metric_that_is_none_of_ours_is_named():
    with pytest.raises(ValueError, match="CocoMetric: metric: expected 'bbox', 'segm' or both, got "):
        CocoMetric(ann_file='x.json', metric='proposal')


def test_without_a_file_the_truth_is_that_of_the_pictures(annotations):
    boxes = json.loads(annotations.read_text())['annotations']
    samples = [dict(sample, instances=[
        dict(bbox=[x, y, x + w, y + h], bbox_label=box['category_id'] - 1, ignore_flag=0)
        for box in boxes if box['image_id'] == sample['img_id'] for x, y, w, h in [box['bbox']]])
               for sample in detections(annotations)]
    expected = evaluate(CocoMetric, annotations, detections(annotations))
    found = evaluate(CocoMetric, '', samples)
    assert found == pytest.approx(expected, abs=1e-12) and 0 < found['coco/bbox_mAP'] < 1
