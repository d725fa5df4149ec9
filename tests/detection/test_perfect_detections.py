"""Tests that the log, the dump and what compare computes from it agree on perfect detections, for every legal set."""
import json
import shutil

import pytest
import torch
from mmdet.datasets import CocoDataset, VOCDataset
from mmdet.evaluation import VOCMetric
from pycocotools import mask as mask_tools
from test_dump import CLASSES, runner_over

from mmresizemix import CocoMetric, DetectionDump
from mmresizemix.datasets import write_scenes
from mmresizemix.metrics.detections import read_detections, read_truth
from mmresizemix.metrics.evaluation import evaluate


@pytest.fixture
def scenes(tmp_path):
    return write_scenes(tmp_path / 'scenes', crops=(1, 1), crop_size=16, coco=(1, 5), voc=(1, 1, 5), scene_size=(96, 96))


def renumber_images(by):
    def change(content):
        for image in content['images']:
            image['id'] += by
        for one in content['annotations']:
            one['image_id'] += by
    return change


def renumber_objects(number):
    return lambda content: [one.update(id=number(one['id'])) for one in content['annotations']]


def list_a_picture_twice(content):
    first = content['images'][0]
    content['images'].append({**first, 'id': 99})
    content['annotations'] += [{**one, 'id': 1000 + one['id'], 'image_id': 99} for one in content['annotations']
                               if one['image_id'] == first['id']]


LEGAL = {
    'as drawn': lambda content: None,
    'objects from 0': renumber_objects(lambda number: number - 1),
    'negative objects': renumber_objects(lambda number: -number),
    'objects beyond doubles': renumber_objects(lambda number: number + 2**53),
    'objects beyond 64 bits': renumber_objects(lambda number: number + 2**64),
    'objects by name': renumber_objects(str),
    'images from 0': renumber_images(-1),
    'images beyond doubles': renumber_images(2**53),
    'images beyond 64 bits': renumber_images(2**64),
    'no iscrowd': lambda content: [one.pop('iscrowd') for one in content['annotations']],
    'a crowd': lambda content: content['annotations'][0].update(iscrowd=1),
    'an ignored object': lambda content: content['annotations'][0].update(ignore=1),
    'categories from 7': lambda content: [one.update({key: one[key] + 6}) for key, of in (
        ('category_id', 'annotations'), ('id', 'categories')) for one in content[of]],
    'categories in another order': lambda content: content['categories'].reverse(),
    'a picture twice': list_a_picture_twice,
    'a picture without objects': lambda content: content['images'].append({**content['images'][0], 'id': 77}),
}


def agree(dataset, samples, metric, key, work_dir, voc=False, masks=False):
    """Let ``metric`` and DetectionDump see the samples, and compare what both make of them."""
    hook, runner = DetectionDump(), runner_over(dataset, work_dir)
    runner.val_loop.evaluator.metrics.append(metric)
    hook.before_val(runner)
    metric.dataset_meta = dataset.metainfo
    for one in runner.val_loop.evaluator.metrics:
        for sample in samples:
            one.process({}, [sample])
    logged, _ = (one.evaluate(len(samples)) for one in runner.val_loop.evaluator.metrics)
    hook.after_val_epoch(runner, logged)
    truth = read_truth(work_dir / 'detections/truth.json')
    again = evaluate(truth, read_detections(work_dir / 'detections/epoch_1.bbox.json', truth), voc=voc)
    assert logged[key] == pytest.approx(1), 'the log'
    assert again.value('VOC11' if voc else 'AP') == pytest.approx(1), 'what compare computes'
    if masks:
        truth = read_truth(work_dir / 'detections/truth.json', masks=True)
        found = read_detections(work_dir / 'detections/epoch_1.segm.json', truth, masks=True)
        again = evaluate(truth, found, masks=True)
        assert (logged['coco/segm_mAP'], again.value('AP')) == (pytest.approx(1), pytest.approx(1)), 'masks'


def perfect(dataset, boxes_of, **more):
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        boxes, labels = boxes_of(info)
        yield dict(img_id=info['img_id'], img_path=info['img_path'], ori_shape=(96, 96), pred_instances=dict(
            bboxes=torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4), labels=torch.tensor(labels, dtype=torch.long),
            scores=torch.ones(len(labels))), **{name: of(info) for name, of in more.items()})


@pytest.mark.parametrize('name', LEGAL)
def test_a_coco_set(name, scenes, tmp_path):
    path = scenes / 'coco/annotations/instances_val2017.json'
    content = json.loads(path.read_text())
    LEGAL[name](content)
    path.write_text(json.dumps(content))
    classes = [one['name'] for one in content['categories']]
    dataset = CocoDataset(ann_file=str(path), data_prefix=dict(img=str(scenes / 'coco/val2017')), test_mode=True,
                          metainfo=dict(classes=classes))

    def boxes_of(info):
        """Return the boxes of the file: MMDetection leaves the ignored ones out, but its evaluation does not."""
        found = [one for one in content['annotations'] if one['image_id'] == info['img_id']]
        label = {one['id']: i for i, one in enumerate(content['categories'])}
        return ([[x, y, x + w, y + h] for x, y, w, h in (one['bbox'] for one in found)],
                [label[one['category_id']] for one in found])

    samples = list(perfect(dataset, boxes_of))
    for sample in samples:
        sample['pred_instances']['masks'] = [
            mask_tools.frPyObjects(one['segmentation'], 96, 96) for one in content['annotations']
            if one['image_id'] == sample['img_id']]
    agree(dataset, samples, CocoMetric(ann_file=str(path), metric=['bbox', 'segm']), 'coco/bbox_mAP',
          tmp_path / 'run', masks=True)


@pytest.mark.parametrize('names', [[], ['500001'], ['500001', '500003', '500001']])
def test_a_voc_set_that_lists_pictures_again(names, scenes, tmp_path):
    root = tmp_path / 'VOC'
    shutil.copytree(scenes / 'VOCdevkit/VOC2007', root)
    listed = root / 'ImageSets/Main/test.txt'
    listed.write_text(listed.read_text() + ''.join(f'{name}\n' for name in names))
    dataset = VOCDataset(ann_file=str(listed), data_prefix=dict(sub_data_root=str(root)), test_mode=True,
                         metainfo=dict(classes=CLASSES))

    def boxes_of(info):
        return [one['bbox'] for one in info['instances']], [one['bbox_label'] for one in info['instances']]

    def gt_instances(info):
        boxes, labels = boxes_of(info)
        return dict(bboxes=torch.tensor(boxes, dtype=torch.float64), labels=torch.tensor(labels))

    nothing = dict(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
    samples = list(perfect(dataset, boxes_of, gt_instances=gt_instances, ignored_instances=lambda info: nothing))
    agree(dataset, samples, VOCMetric(metric='mAP', eval_mode='11points'), 'pascal_voc/mAP',
          tmp_path / 'run', voc=True)
