"""What runs must share, and what may differ."""
import pytest

from mmresizemix.runs.comparable import comparable, difference
from mmresizemix.runs.run_config import RunConfig

CONFIG = dict(
    model=dict(type='FasterRCNN', backbone=dict(
        depth=50, frozen_stages=1, norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='a.pth'))),
    train_cfg=dict(max_epochs=12), randomness=dict(seed=0), work_dir='work_dirs/a',
    train_dataloader=dict(batch_size=2, num_workers=2, dataset=dict(
        data_root='/here/coco/', ann_file='x/train.json')),
    custom_hooks=[dict(type='mmresizemix.BackboneGuard', from_scratch=False),
                  dict(type='NumClassCheckHook')])


def changed(path, value):
    import copy
    config = copy.deepcopy(CONFIG)
    *inner, last = path.split('.')
    place = config
    for name in inner:
        place = place[name]
    place[last] = value
    return config


@pytest.mark.parametrize('path, value', [
    ('model.backbone.init_cfg', dict(type='Pretrained', checkpoint='b.pth')),
    ('model.backbone.init_cfg', None), ('randomness.seed', 7), ('work_dir', 'elsewhere'),
    ('train_dataloader.num_workers', 8), ('train_dataloader.timeout', 600),
    ('train_cfg.type', 'mmresizemix.ResumableEpochLoop'), ('train_cfg.by_epoch', True),
    ('train_dataloader.dataset.data_root', '/there/coco'),
    ('train_dataloader.dataset.ann_file', 'y/train.json'),
    ('custom_hooks', [dict(type='NumClassCheckHook')]),
])
def test_backbone_seed_speed_and_places_may_differ(path, value):
    assert difference(comparable(CONFIG), comparable(changed(path, value))) == {}


@pytest.mark.parametrize('path, value, shown', [
    ('train_cfg.max_epochs', 24, {'train_cfg.max_epochs': (12, 24)}),
    ('train_cfg.type', 'IterBasedTrainLoop',
     {'train_cfg.type': (None, 'IterBasedTrainLoop')}),
    ('train_dataloader.batch_size', 4, {'train_dataloader.batch_size': (2, 4)}),
    ('model.backbone.depth', 101, {'model.backbone.depth': (50, 101)}),
    ('model.backbone.frozen_stages', 4, {'model.backbone.frozen_stages': (1, 4)}),
    ('train_dataloader.dataset.data_root', '/here/voc',
     {'train_dataloader.dataset.data_root': ('coco', 'voc')}),
    ('custom_hooks', [dict(type='EMAHook')],
     {'custom_hooks.0.type': ('NumClassCheckHook', 'EMAHook')}),
])
def test_all_else_may_not(path, value, shown):
    assert difference(comparable(CONFIG), comparable(changed(path, value))) == shown


def test_the_number_of_gpus_counts():
    assert difference(comparable(CONFIG, 8), comparable(CONFIG, 1)) == {'GPUs': (8, 1)}


def test_from_random_weights_nothing_is_frozen():
    scratch = comparable(changed('model.backbone.frozen_stages', -1))
    assert difference(comparable(CONFIG), scratch, either_from_scratch=True) == {}


def test_detectors_and_sets_are_named():
    assert RunConfig.parse(CONFIG).model == 'Faster R-CNN'
    ssd = dict(type='SingleStageDetector', bbox_head=dict(
        type='mmresizemix.SSDHead', anchor_generator=dict(input_size=300)))
    assert RunConfig.parse(dict(model=ssd)).model == 'SSD300' and RunConfig.parse({}).model == 'unknown'
    val = dict(val_dataloader=dict(dataset=dict(data_root='data/VOCdevkit/')))
    voc = RunConfig.parse(dict(val, val_evaluator=[dict(type='VOCMetric')]))
    assert (voc.kind, voc.dataset) == ('VOC', 'VOCdevkit')
    assert RunConfig.parse(dict(val, val_evaluator=dict(type='CocoMetric'))).kind == 'COCO'
