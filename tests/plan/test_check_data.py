"""Tests of looking for every file before GPUs are asked for."""
import json
import time
from pathlib import Path

import pytest
from mmengine.config import Config

from mmresizemix.datasets import write_scenes
from mmresizemix.plan.data import DataCheck, DataError, check_data
from mmresizemix.training.launch import train

CONFIGS = {'resnet18_scenes': 6 * 4, 'ssd96_r18_scenes-coco': 8, 'faster-rcnn_r18_scenes-voc': 4 + 4}


@pytest.fixture
def scenes(tmp_path, monkeypatch):
    root = write_scenes(tmp_path / 'scenes', crops=(4, 2), crop_size=48, coco=(8, 4), voc=(4, 4, 4),
                        scene_size=(96, 96))
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(root))
    return root


def look(name, out):
    return check_data(Config.fromfile(f'configs/demo/{name}.py'), out)


@pytest.mark.parametrize('name, samples', CONFIGS.items())
def test_every_sample_is_counted_and_the_same_data_have_the_same_digest(scenes, tmp_path, name,
                                                                        samples):
    found = look(name, tmp_path / 'a.json')
    assert found['samples']['train_dataloader'] == samples
    assert look(name, tmp_path / 'b.json')['digest'] == found['digest']
    record = DataCheck(tmp_path / 'a.json')
    assert record.missing() is None and record.digest() == found['digest']
    assert json.loads((tmp_path / 'a.json').read_text()) == found


@pytest.mark.parametrize('name, picture', [
    ('resnet18_scenes', 'classification/train/circle'),
    ('ssd96_r18_scenes-coco', 'coco/train2017'),
    ('faster-rcnn_r18_scenes-voc', 'VOCdevkit/VOC2012/JPEGImages')])
def test_a_picture_that_is_gone_is_noticed_and_named(scenes, tmp_path, name, picture):
    """MMPretrain takes whatever pictures a folder of classes has, so only the digest tells that one is gone."""
    before = look(name, tmp_path / 'a.json')
    time.sleep(0.02)
    gone = sorted((scenes / picture).iterdir())[0]
    gone.unlink()
    assert 'has changed' in DataCheck(tmp_path / 'a.json').missing()
    if name.startswith('resnet'):
        assert look(name, tmp_path / 'b.json')['digest'] != before['digest']
    else:
        with pytest.raises(DataError, match=f'of .* cannot be read .*{gone.name}'):
            look(name, tmp_path / 'b.json')
        assert not (tmp_path / 'b.json').exists()


def other_classes(name, classes, **more):
    """Return a config of the demo, for other classes, with and without the filter of MMDetection's own configs."""
    cfg = Config.fromfile(f'configs/demo/{name}.py')
    for dataset in leaves_of(cfg):
        dataset.update(metainfo=dict(classes=classes), **more)
    return cfg


def leaves_of(cfg):
    dataset = cfg.train_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    return [*dataset.get('datasets', [dataset]), cfg.val_dataloader.dataset]


@pytest.mark.parametrize('filter_cfg, said', [
    (dict(filter_empty_gt=True), r"train_dataloader: no picture is left: data_root=.*, classes=\['dog'\]. Check the paths"),
    (dict(filter_empty_gt=False), r'train_dataloader: none of 8 pictures has a box of a class \(dog, ...\). Check the class names'),
])
@pytest.mark.parametrize('name', ['ssd96_r18_scenes-coco', 'faster-rcnn_r18_scenes-voc'])
def test_a_set_without_any_object_is_an_error(scenes, tmp_path, name, filter_cfg, said):
    cfg = other_classes(name, ('dog', ), filter_cfg=filter_cfg)
    with pytest.raises(DataError, match=said):
        check_data(cfg, tmp_path / 'a.json')
    # So it is in training, where MMEngine would say that it has nothing to concatenate, or would train on nothing.
    cfg.work_dir = str(tmp_path / 'run')
    with pytest.raises(ValueError, match=said if filter_cfg['filter_empty_gt'] else 'lacks|none of 8 pictures has'):
        train(cfg, backbone='random')


def test_other_annotations_are_other_data(scenes, tmp_path):
    before = look('ssd96_r18_scenes-coco', tmp_path / 'a.json')
    path = scenes / 'coco/annotations/instances_train2017.json'
    content = json.loads(path.read_text())
    content['annotations'][0]['bbox'][0] += 1
    path.write_text(json.dumps(content))
    assert DataCheck(tmp_path / 'a.json').missing() == f'{path} has changed'
    assert look('ssd96_r18_scenes-coco', tmp_path / 'b.json')['digest'] != before['digest']


def test_never_looked_at(tmp_path):
    assert DataCheck(tmp_path / 'a.json').missing() == 'the data were not checked'
    (tmp_path / 'a.json').write_text('{"dig')
    assert DataCheck(Path(tmp_path / 'a.json')).missing() == 'the data were not checked'
