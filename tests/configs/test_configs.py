"""Each config's effective values against the paper's numbers (Sec. 5.1.3 and 5.2)."""
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config

from mmresizemix.datasets.pictures import SUFFIXES

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
ALL = sorted(str(p.relative_to(CONFIGS)) for p in CONFIGS.rglob('*.py')
             if '_base' not in str(p.relative_to(CONFIGS)))
RUNS = [p for p in ALL if not p.startswith('plans/')]
GUARDED = [p for p in ALL if p.split('/')[0] in ('ssd', 'faster_rcnn')]


def load(name):
    return Config.fromfile(CONFIGS / name)


@pytest.mark.parametrize('name', ALL)
def test_opens_with_its_command(name):
    text = (CONFIGS / name).read_text()
    assert text.startswith('"""') and f'configs/{name}' in text.split('"""')[1]


@pytest.mark.parametrize('name', RUNS)
def test_resumes_exactly_and_is_seeded(name):
    cfg = load(name)
    assert cfg.randomness.seed == 0
    assert any(h['type'] == 'mmresizemix.EpochSeedHook' for h in cfg.custom_hooks)
    assert cfg.train_dataloader.persistent_workers is False
    assert cfg.train_dataloader.worker_init_fn == dict(type='mmresizemix.torch_worker_seeding')
    assert 'mmresizemix' in cfg.custom_imports.imports
    assert any(h['type'] == 'mmresizemix.FiniteWeightsHook' for h in cfg.custom_hooks)
    checkpoint = cfg.default_hooks.checkpoint
    assert checkpoint.max_keep_ckpts == 2 and checkpoint.backend_args.backend == 'whole_file'


@pytest.mark.parametrize('name', [n for n in ALL if n.startswith('custom/')])
def test_a_config_for_ones_own_data_is_short(name):
    assert len((CONFIGS / name).read_text().splitlines()) < 30
    assert load(name).model.backbone.depth == 18


def test_a_folder_may_hold_the_pictures_that_our_tools_take():
    assert load('custom/resnet18_folder.py').train_dataloader.dataset.extensions == SUFFIXES


MIXING = {
    '': None,
    'cutmix-': dict(type='mmresizemix.CutMix', alpha=1.0, per='batch', inplace=True),
    'resizemix-': dict(type='mmresizemix.ResizeMix', scale_range=(0.1, 0.8), per='batch',
                       placement='shifted', interpolation='nearest', inplace=True),
    'resizemix-persample-': dict(type='mmresizemix.ResizeMix', scale_range=(0.1, 0.8), per='sample',
                                 placement='shifted', interpolation='bilinear', inplace=True),
    'recursivemix-': dict(type='mmresizemix.RecursiveMix', alpha=0.5, per='batch', placement='clipped',
                          interpolation='nearest', inplace=True),
}


@pytest.mark.parametrize('depth, mixing', [(50, m) for m in MIXING] +
                         [(101, m) for m in ('', 'cutmix-', 'resizemix-')])
def test_pretraining(depth, mixing):
    cfg = load(f'pretrain/resnet{depth}_8xb64-{mixing}300e_in1k.py')
    assert cfg.model.backbone.depth == depth and cfg.model.backbone.style == 'pytorch'
    assert 8 * cfg.train_dataloader.batch_size == 512 == cfg.auto_scale_lr.base_batch_size
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.5, momentum=0.9, weight_decay=4e-5,
                                               _scope_='mmpretrain')
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler.T_max == 300
    assert cfg.param_scheduler.type == 'CosineAnnealingLR' and cfg.param_scheduler.by_epoch
    crop, test = cfg.train_dataloader.dataset.pipeline[0], cfg.val_dataloader.dataset.pipeline
    assert crop == dict(type='mmresizemix.LoadRandomResizedCrop', scale=224)
    assert [t.type for t in test] == ['mmresizemix.LoadPicture', 'ResizeEdge', 'CenterCrop', 'PackInputs']
    assert (test[1].scale, test[1].backend, test[2].crop_size) == (256, 'pillow', 224)
    assert cfg.test_dataloader.dataset.pipeline == test
    assert cfg.data_preprocessor.num_classes == 1000
    assert cfg.train_dataloader.dataset.data_root == 'data/imagenet'
    augments = cfg.model.get('train_cfg', {}).get('augments')
    assert augments == MIXING[mixing]
    assert cfg.model.head.loss.get('use_soft', False) == (augments is not None)


DETECTION = {  # GPUs x batch, epochs, repeats, learning rate, weight decay, scale, milestones
    'ssd/ssd300_r50_8xb8-24e_coco.py': (64, 24, 5, 2e-3, 5e-4, (300, 300), [16, 22]),
    'ssd/ssd300_r50_8xb8-24e_voc0712.py': (64, 24, 10, 1e-3, 5e-4, (300, 300), [16, 20]),
    'ssd/ssd300_r50-c345_8xb8-24e_coco.py': (64, 24, 5, 2e-3, 5e-4, (300, 300), [16, 22]),
    'ssd/ssd300_r50-c345_8xb8-24e_voc0712.py': (64, 24, 10, 1e-3, 5e-4, (300, 300), [16, 20]),
    'faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py':
    (16, 12, 1, 0.02, 1e-4, (1333, 800), [8, 11]),
    'faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py':
    (16, 4, 3, 0.01, 1e-4, (1000, 600), [3]),
}


def datasets_of(dataset):
    if 'datasets' in dataset:
        return [d for part in dataset.datasets for d in datasets_of(part)]
    return datasets_of(dataset.dataset) if 'dataset' in dataset else [dataset]


@pytest.mark.parametrize('name', GUARDED)
def test_detection(name):
    batch, epochs, repeats, lr, decay, scale, milestones = DETECTION[name]
    cfg = load(name)
    assert 8 * cfg.train_dataloader.batch_size == batch
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.train_dataloader.dataset.get('times', 1) == repeats
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (
        'SGD', lr, 0.9, decay)
    assert cfg.param_scheduler[-1].milestones == milestones
    parts = datasets_of(cfg.train_dataloader.dataset)
    for part in parts:
        assert part.filter_cfg == dict(filter_empty_gt=True, min_size=32), \
            'bbox_min_size trains small objects as background (mmdetection#11541)'
        assert [t.scale for t in part.pipeline if t.type == 'Resize'] == [scale]
    if 'voc' in name:
        assert [p.data_root + p.ann_file for p in parts] == [
            f'data/VOCdevkit/VOC{year}/ImageSets/Main/trainval.txt' for year in (2007, 2012)]
        assert cfg.val_evaluator.type == 'VOCMetric' and cfg.val_evaluator.eval_mode == '11points'
        assert cfg.val_dataloader.dataset.ann_file == 'VOC2007/ImageSets/Main/test.txt'
    else:
        assert parts[0].data_root + parts[0].ann_file == (
            'data/coco/annotations/instances_train2017.json')
        for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
            assert evaluator.type == 'mmresizemix.CocoMetric'
            assert evaluator.ann_file == 'data/coco/annotations/instances_val2017.json'


@pytest.mark.parametrize('name', GUARDED)
def test_detectors_see_what_the_classifier_saw(name):
    cfg, classifier = load(name), load('pretrain/resnet50_8xb64-300e_in1k.py')
    seen, expected = cfg.model.data_preprocessor, classifier.data_preprocessor
    assert (seen.mean, seen.std) == (expected.mean, expected.std)
    assert seen.bgr_to_rgb and expected.to_rgb
    backbone = cfg.model.backbone
    assert (backbone.type, backbone.depth, backbone.style) == ('ResNet', 50, 'pytorch')
    assert (backbone.frozen_stages, backbone.norm_eval) == (1, True)
    assert backbone.init_cfg.type == 'Pretrained' and 'prefix' not in backbone.init_cfg
    assert cfg.custom_hooks[0].type == 'mmresizemix.BackboneGuard'


@pytest.mark.parametrize('name', [n for n in GUARDED if n.startswith('ssd')])
def test_ssd300_has_8732_anchors_on_its_maps(name):
    register_all_modules(init_default_scope=True)
    cfg = load(name)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        maps = model.extract_feat(torch.zeros(1, 3, 300, 300))
    assert [tuple(m.shape[-2:]) for m in maps] == [(s, s) for s in (38, 19, 10, 5, 3, 1)]
    anchors = model.bbox_head.prior_generator.grid_priors([m.shape[-2:] for m in maps],
                                                          device='cpu')
    assert sum(map(len, anchors)) == 8732
    sizes = [(a[0, 2] - a[0, 0]).item() for a in anchors]
    assert sizes == pytest.approx([21, 45, 99, 153, 207, 261] if 'coco' in name else
                                  [30, 60, 111, 162, 213, 264])
