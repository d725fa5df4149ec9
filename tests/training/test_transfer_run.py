"""Tests that ``tools/train.py --backbone`` makes any config of MMDetection a run as ours."""
import json

import pytest
import small_run
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from mmresizemix.datasets import SCENE_CLASSES, write_scenes
from mmresizemix.openmmlab.config_parts import class_of, section
from mmresizemix.openmmlab.installed import CONFIGS, read_config
from mmresizemix.plan import PlanError
from mmresizemix.plan.plan import Detector
from mmresizemix.plan.recipe import Recipe
from mmresizemix.runs import read_runs
from mmresizemix.training import launch
from mmresizemix.training.fast import use_fast_training
from mmresizemix.training.launch import train
from mmresizemix.training.options import set_backbone
from mmresizemix.training.transfer_run import make_transfer_run, transfer_hooks

HOOKS = ('BackboneGuard', 'EpochSeedHook', 'DetectionDump', 'ClassNamesHook',
         'FiniteWeightsHook')
RETINANET = 'retinanet/retinanet_r50_fpn_1x_coco.py'
STOCK = (RETINANET, 'atss/atss_r50_fpn_1x_coco.py', 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
         'convnext/mask-rcnn_convnext-t-p4-w7_fpn_amp-ms-crop-3x_coco.py', 'pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py',
         'yolox/yolox_tiny_8xb8-300e_coco.py', 'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
         'instaboost/mask-rcnn_r50_fpn_instaboost-4x_coco.py', 'swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py')
OURS = sorted(str(p.relative_to(CONFIGS)) for folder in ('ssd', 'faster_rcnn', 'retinanet', 'atss', 'mask_rcnn', 'convnext',
                                                         'dino', 'custom', 'demo', 'study')
              for p in (CONFIGS / folder).glob('*.py') if not p.name.startswith(('_', 'resnet')))


def stock(name) -> Config:
    return read_config(f'mmdet::{name}')


@pytest.mark.parametrize('name', STOCK)
def test_a_stock_config_gets_everything(name):
    cfg, before = stock(name), stock(name)
    said = set_backbone(cfg, 'resnet.pth')
    theirs = [class_of(hook) for hook in before.get('custom_hooks', [])]
    assert [class_of(hook) for hook in cfg.custom_hooks] == [*theirs, *(h for h in HOOKS if h not in theirs)]
    assert cfg.model.backbone.init_cfg == dict(type='Pretrained', checkpoint='resnet.pth')
    loader = cfg.train_dataloader
    assert not loader.persistent_workers and loader.worker_init_fn == dict(type='mmresizemix.torch_worker_seeding')
    assert cfg.randomness.seed == 0 and cfg.custom_imports.imports[-1] == 'mmresizemix'
    assert cfg.default_hooks.checkpoint.backend_args == dict(backend='whole_file')
    for evaluator, old in ((cfg.val_evaluator, before.val_evaluator), (cfg.test_evaluator, before.test_evaluator)):
        kind = 'VOCMetric' if 'voc' in name else 'mmresizemix.CocoMetric'
        assert evaluator == dict(old, type=kind), 'bbox and segm stay what they were'
    # Nothing else has changed, every change is said, and a second time there is none.
    parts = {line.partition(':')[0] for line in said}
    for part in ('train_dataloader.persistent_workers', 'train_dataloader.worker_init_fn', 'randomness.seed',
                 'default_hooks.checkpoint.backend_args', 'custom_imports.imports', 'custom_hooks'):
        assert part in parts
    for part in ('model', 'train_dataloader', 'val_evaluator', 'test_evaluator', 'default_hooks', 'custom_hooks',
                 'custom_imports', 'randomness'):
        cfg.pop(part), before.pop(part)
    assert cfg.to_dict() == before.to_dict()


def test_a_second_time_nothing_changes():
    cfg = stock(RETINANET)
    set_backbone(cfg, 'random')
    once = cfg.to_dict()
    assert set_backbone(cfg, 'random') == [] and cfg.to_dict() == once


def test_what_is_changed_is_said_in_a_line_each():
    assert make_transfer_run(stock(RETINANET)) == [
        'custom_hooks: added mmresizemix.BackboneGuard',
        'custom_hooks: added mmresizemix.EpochSeedHook',
        'custom_hooks: added mmresizemix.DetectionDump',
        'custom_hooks: added mmresizemix.ClassNamesHook',
        'custom_hooks: added mmresizemix.FiniteWeightsHook',
        'train_dataloader.persistent_workers: False instead of True',
        "train_dataloader.worker_init_fn: {'type': 'mmresizemix.torch_worker_seeding'}",
        'randomness.seed: 0',
        "val_evaluator.type: 'mmresizemix.CocoMetric' instead of 'CocoMetric'",
        "test_evaluator.type: 'mmresizemix.CocoMetric' instead of 'CocoMetric'",
        'default_hooks.checkpoint.max_keep_ckpts: 2',
        "default_hooks.checkpoint.save_best: 'auto'",
        "default_hooks.checkpoint.backend_args: {'backend': 'whole_file'}",
        "custom_imports.imports: ['mmresizemix']"]


@pytest.mark.parametrize('name', OURS)
def test_our_own_configs_have_it_all(name):
    cfg = read_config(CONFIGS / name)
    before = cfg.to_dict()
    assert make_transfer_run(cfg) == [] and cfg.to_dict() == before


def test_what_a_config_says_itself_is_kept():
    cfg = stock(RETINANET)
    cfg.custom_hooks = [dict(type='mmdet.NumClassCheckHook'), dict(type='EMAHook')]
    cfg.randomness = dict(seed=7, deterministic=True)
    cfg.default_hooks.checkpoint.update(max_keep_ckpts=5, save_best='coco/bbox_mAP_50')
    cfg.custom_imports = dict(imports='mine')
    cfg.val_evaluator = [cfg.val_evaluator, dict(type='CityScapesMetric')]
    said = make_transfer_run(cfg)
    assert [class_of(hook) for hook in cfg.custom_hooks] == [
        'NumClassCheckHook', 'EMAHook', 'BackboneGuard', 'EpochSeedHook', 'DetectionDump', 'ClassNamesHook',
        'FiniteWeightsHook']
    assert cfg.randomness == dict(seed=7, deterministic=True)
    checkpoint = cfg.default_hooks.checkpoint
    assert (checkpoint.max_keep_ckpts, checkpoint.save_best) == (5, 'coco/bbox_mAP_50')
    assert cfg.custom_imports.imports == ['mine', 'mmresizemix']
    assert [one.type for one in cfg.val_evaluator] == ['mmresizemix.CocoMetric', 'CityScapesMetric']
    assert not any('seed' in line.partition(':')[0] or 'max_keep' in line for line in said)


def test_a_config_without_any_of_these_keys():
    """MMEngine's ``setdefault`` would store a copy of what it is given, and changes of the latter would be lost."""
    cfg = stock(RETINANET)
    for name in ('default_hooks', 'custom_hooks', 'env_cfg', 'test_evaluator'):
        cfg.pop(name)
    set_backbone(cfg, 'random')
    assert [class_of(hook) for hook in cfg.custom_hooks] == list(HOOKS) == transfer_hooks()
    assert cfg.custom_hooks[0].from_scratch is True
    assert cfg.default_hooks == dict(checkpoint=dict(type='CheckpointHook', max_keep_ckpts=2, save_best='auto',
                                                     backend_args=dict(backend='whole_file')))
    for none in (Config(dict()), Config(dict(env_cfg=None))):
        section(none, 'env_cfg').cudnn_benchmark = True
        assert none.to_dict() == dict(env_cfg=dict(cudnn_benchmark=True))


def test_no_checkpoints_stay_no_checkpoints():
    cfg = stock(RETINANET)
    cfg.default_hooks.checkpoint = None
    make_transfer_run(cfg)
    assert cfg.default_hooks.checkpoint is None


def test_fast_training_of_a_config_without_these_keys():
    cfg = read_config(CONFIGS / 'pretrain/resnet50_8xb64-300e_in1k.py')
    for name in ('default_hooks', 'custom_hooks', 'env_cfg'):
        cfg.pop(name)
    use_fast_training(cfg)
    assert cfg.default_hooks.runtime_info.type == 'mmresizemix.DeferredRuntimeInfoHook'
    assert cfg.env_cfg.cudnn_benchmark and cfg.custom_hooks == [dict(type='mmresizemix.CompiledBackboneHook')]


def _without(*names):
    def change(cfg):
        for name in names:
            cfg.pop(name)
    return change


@pytest.mark.parametrize('change, reason', [
    (dict(train_cfg=dict(_delete_=True, type='IterBasedTrainLoop', max_iters=9)), 'IterBasedTrainLoop is not supported'),
    (dict(train_cfg=dict(_delete_=True, by_epoch=False, max_iters=9)), 'IterBasedTrainLoop is not supported'),
    (_without('train_cfg'), 'train_cfg: EpochBasedTrainLoop is not supported'),
    (dict(train_dataloader=dict(sampler=dict(type='InfiniteSampler'))), 'never ends an epoch; use .*DefaultSampler'),
    (dict(val_evaluator=dict(type='LVISMetric')), r'LVISMetric is not supported.*tools/compare.py reads CocoMetric and VOC'),
    (dict(val_evaluator=dict(metric='proposal_fast')), "expected 'bbox' or .*segm.* got 'proposal_fast'"),
    (dict(val_evaluator=dict(metric=['segm'])), "expected 'bbox' or"),
    (dict(load_from='coco.pth'), 'load_from=coco.pth would overwrite the backbone; add --cfg-options load_from=None'),
    (dict(default_scope='mmpretrain'), "got one of scope 'mmpretrain'"),
    (_without('default_scope'), 'got one of scope None'),
    (_without('model'), "got one of scope 'mmdet' without model.backbone"),
])
def test_what_is_not_supported_is_said_in_one_line(change, reason):
    cfg = stock(RETINANET)
    if callable(change):
        change(cfg)
    else:
        cfg.merge_from_dict(change)
    with pytest.raises(ValueError, match=f'^--backbone: .*{reason}') as error:
        set_backbone(cfg, 'x.pth')
    assert '\n' not in str(error.value)


def test_a_plan_says_so_before_anything_runs(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(f"_base_ = 'mmdet::{RETINANET}'\ntrain_cfg = dict(_delete_=True, by_epoch=False, max_iters=9)\n")
    with pytest.raises(PlanError, match='mine.py: --backbone: train_cfg: IterBasedTrainLoop'):
        Recipe(config, {}, 0, Detector('RetinaNet', config))
    config.write_text(f"_base_ = 'mmdet::{RETINANET}'\n")
    hooks = Recipe(config, {}, 0, Detector('RetinaNet', config)).effective.custom_hooks
    assert [class_of(hook) for hook in hooks] == list(HOOKS), 'the plan waits for their detections'


@pytest.mark.parametrize('backbone, thawed', [
    (dict(type='ResNet', depth=18), dict(frozen_stages=-1, norm_eval=False)),
    (dict(type='ResNeXt', depth=50), dict(frozen_stages=-1, norm_eval=False)),
    (dict(type='mmpretrain.ConvNeXt'), dict(frozen_stages=-1)),
    (dict(type='ResNet', depth=50, norm_cfg=dict(type='BN', requires_grad=False)),
     dict(frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='BN', requires_grad=True))),
    (dict(type='HRNet'), dict(norm_eval=False)),
    (dict(type='SSDVGG', depth=16), {}),
    (dict(type='PyramidVisionTransformer'), {}),
])
def test_of_random_weights_nothing_is_frozen_in_any_backbone(backbone, thawed):
    cfg = stock(RETINANET)
    cfg.model.backbone = dict(backbone, init_cfg=dict(type='Pretrained', checkpoint='x.pth'))
    set_backbone(cfg, 'random')
    assert cfg.model.backbone == {**backbone, 'init_cfg': None, **thawed}


def test_a_promised_hook_that_the_runner_lacks_stops_it(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, 'set_backbone', lambda cfg, backbone: [])
    with pytest.raises(RuntimeError, match='Runner was built without BackboneGuard, DetectionDump, ClassNamesHook, '
                                           'FiniteWeightsHook, which --backbone, --frozen or --fast adds'):
        train(small_run.config(str(tmp_path), 1), backbone='x.pth')


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(1, 1), crop_size=16,
                        coco=(4, 3), voc=(1, 1, 1), scene_size=(96, 96)) / 'coco'


@pytest.fixture(scope='module')
def resnet18(tmp_path_factory):
    """The checkpoint of a ResNet-18 classifier of mmpretrain."""
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='ImageClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=6, in_channels=512)))
    path = tmp_path_factory.mktemp('classifier') / 'epoch_1.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def options(scenes) -> list[str]:
    """Return the options that make the stock RetinaNet small and let it see the scenes, two steps per epoch."""
    small = {'model.backbone.depth': 18, 'model.neck.in_channels': '[64,128,256,512]', 'model.neck.out_channels': 8,
             'model.bbox_head.in_channels': 8, 'model.bbox_head.feat_channels': 8, 'model.bbox_head.num_classes': 6,
             'model.test_cfg.score_thr': 0, 'train_cfg.max_epochs': 1, 'train_dataloader.batch_size': 2,
             'train_dataloader.dataset.pipeline.2.scale': '(96,96)', 'val_dataloader.dataset.pipeline.1.scale': '(96,96)',
             'val_evaluator.ann_file': scenes / 'annotations/instances_val2017.json'}
    for loader in ('train_dataloader', 'val_dataloader'):
        small.update({f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False,
                      f'{loader}.dataset.data_root': f'{scenes}/',
                      f'{loader}.dataset.metainfo.classes': f'({",".join(SCENE_CLASSES)})'})
    return [f'{name}={value}' for name, value in small.items()]


def test_a_stock_config_from_a_classifier_to_the_table(scenes, resnet18, tool, tmp_path):
    backbone, run, table = tmp_path / 'resnet18.pth', tmp_path / 'run', tmp_path / 'table'
    done = tool('export_backbone', resnet18, backbone, '--method', 'baseline')
    assert done.returncode == 0, done.stderr
    done = tool('train', f'mmdet::{RETINANET}', '--backbone', backbone, '--work-dir', run, '--cfg-options',
                *options(scenes))
    assert done.returncode == 0, done.stderr[-3000:]
    said = [line.partition('--backbone: ')[2] for line in (done.stdout + done.stderr).splitlines()
            if ' --backbone: ' in line]
    persistent = 'train_dataloader.persistent_workers: False instead of True'  # False already, by the options
    assert said == [one for one in make_transfer_run(stock(RETINANET)) if one != persistent]
    assert json.loads((run / 'backbone.json').read_text())['tensors_equal'] == 120
    assert (run / 'detections/epoch_1.bbox.json').is_file()
    done = tool('compare', run, '--out', table, '--format', 'json', '--resamples', '10')
    assert done.returncode == 0, done.stderr
    [cell] = json.loads((table / 'table.json').read_text())['cells']
    [found] = cell['runs']
    assert (cell['row'], cell['column']) == ('baseline', 'COCO RetinaNet')
    assert found['verified'] and found['evaluated_again'] and not found['rounded']


PURE_PYTHON = '''
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets import CocoDataset
from mmdet.datasets.transforms import LoadAnnotations, PackDetInputs, Resize
from mmdet.evaluation import CocoMetric
from mmdet.models import FPN, DetDataPreprocessor, FocalLoss, L1Loss, ResNet, RetinaHead, RetinaNet
from mmdet.models.task_modules import AnchorGenerator, DeltaXYWHBBoxCoder, MaxIoUAssigner, PseudoSampler
from mmengine.dataset import DefaultSampler
from mmengine.runner import EpochBasedTrainLoop, ValLoop

model = dict(
    type=RetinaNet,
    data_preprocessor=dict(type=DetDataPreprocessor, mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4],
                           bgr_to_rgb=True, pad_size_divisor=32),
    backbone=dict(type=ResNet, depth=18, base_channels=8),
    neck=dict(type=FPN, in_channels=[8, 16, 32, 64], out_channels=8, start_level=1,
              add_extra_convs='on_input', num_outs=5),
    bbox_head=dict(
        type=RetinaHead, num_classes=6, in_channels=8, stacked_convs=1, feat_channels=8,
        anchor_generator=dict(type=AnchorGenerator, octave_base_scale=4, scales_per_octave=3,
                              ratios=[0.5, 1.0, 2.0], strides=[8, 16, 32, 64, 128]),
        bbox_coder=dict(type=DeltaXYWHBBoxCoder), loss_cls=dict(type=FocalLoss), loss_bbox=dict(type=L1Loss)),
    train_cfg=dict(assigner=dict(type=MaxIoUAssigner, pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
                   sampler=dict(type=PseudoSampler), allowed_border=-1, pos_weight=-1, debug=False),
    test_cfg=dict(nms_pre=100, min_bbox_size=0, score_thr=0, max_per_img=10,
                  nms=dict(type='nms', iou_threshold=0.5)))
load = [dict(type=LoadImageFromFile), dict(type=LoadAnnotations, with_bbox=True),
        dict(type=Resize, scale=(96, 96)), dict(type=PackDetInputs)]


def loader(split, shuffle, **more):
    return dict(batch_size=2, num_workers=0, sampler=dict(type=DefaultSampler, shuffle=shuffle), dataset=dict(
        type=CocoDataset, data_root=root, ann_file=f'annotations/instances_{split}2017.json', pipeline=load,
        data_prefix=dict(img=f'{split}2017/'), metainfo=dict(classes=classes), **more))


train_dataloader, val_dataloader = loader('train', True), loader('val', False, test_mode=True)
val_evaluator = dict(type=CocoMetric, ann_file=root + 'annotations/instances_val2017.json')
train_cfg, val_cfg = dict(type=EpochBasedTrainLoop, max_epochs=1), dict(type=ValLoop)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
'''


def test_a_pure_python_config(scenes, tmp_path):
    """Its types are the classes themselves, and it has no scope, no hooks and no seed."""
    config, run = tmp_path / 'pure.py', tmp_path / 'run'
    config.write_text(f"root, classes = '{scenes}/', {SCENE_CLASSES}\n{PURE_PYTHON}del loader\n")
    cfg = read_config(config)
    cfg.work_dir = str(run)
    train(cfg, backbone='random')
    [found], faults = read_runs([run])
    assert faults == [] and (found.config.kind, found.config.model) == ('COCO', 'RetinaNet')
    assert found.from_scratch and found.origin.verified and found.kept.detections and not found.config.rounded
