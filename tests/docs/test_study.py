"""Tests of the study's configs: pretrainings differ in mixing only, and detectors train on any VOC set."""
from pathlib import Path

import pytest

from mmresizemix.datasets import SCENE_CLASSES, write_scenes
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.plan import read_plan
from mmresizemix.plan.recipe import Recipe
from mmresizemix.runs.method_name import method_of
from mmresizemix.runs.run_config import RunConfig

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / 'configs/study'
METHODS = {'resnet18': 'baseline', 'resnet18-cutmix': 'cutmix-persample',
           'resnet18-resizemix': 'resizemix-persample',
           'resnet18-mmpretrain-resizemix': 'mmpretrain-resizemix'}


def test_pretrainings_differ_in_mixing_only():
    configs = {name: read_config(STUDY / f'{name}.py').to_dict() for name in METHODS}
    assert {name: method_of(cfg)
            for name, cfg in configs.items()} == METHODS
    first = RunConfig.parse(configs['resnet18']).settings()
    assert all(RunConfig.parse(cfg).settings() == first for cfg in configs.values())


@pytest.mark.parametrize('plan, side, epochs', [('study', 64, 120), ('study_cpu', 32, 60)])
def test_every_row_of_a_plan_has_its_side_and_epochs(plan, side, epochs):
    found = read_plan(ROOT / f'configs/plans/{plan}.py')
    rows = [row for row in found.pretrainings if row.config]
    assert len(rows) == 4 and all(row.seeds == (0, 1, 2) for row in found.pretrainings)
    for row in rows:
        cfg = Recipe(row.config, row.options, found.gpus_per_run).effective
        tested = cfg.test_dataloader.dataset.pipeline
        assert cfg.train_dataloader.dataset.pipeline[0].scale == side
        assert tested[1].scale == tested[2].crop_size == side
        assert cfg.val_dataloader.dataset.pipeline == tested
        assert (cfg.train_cfg.max_epochs, cfg.param_scheduler[-1].end) == (epochs, epochs)
        assert cfg.train_dataloader.batch_size * max(1, found.gpus_per_run) == 128
    for detector in found.detectors:
        cfg = Recipe(detector.config, detector.options, found.gpus_per_run).effective
        assert cfg.train_cfg.max_epochs == cfg.param_scheduler[-1].T_max == cfg.param_scheduler[-1].end


@pytest.mark.parametrize('config, classes', [
    ('ssd96_r18', 'model.bbox_head.num_classes'),
    ('faster-rcnn96_r18', 'model.roi_head.bbox_head.num_classes')])
def test_a_detector_trains_on_a_set_in_voc_layout(tmp_path, tool, config, classes):
    scenes = write_scenes(tmp_path / 'scenes', crops=(0, 0), coco=(0, 0), voc=(16, 0, 4), scene_size=(96, 96))
    names = f"[{','.join(SCENE_CLASSES)}]"
    done = tool('train', STUDY / f'{config}.py', '--backbone', 'random', '--work-dir', tmp_path / 'run',
                '--cfg-options', f'{classes}={len(SCENE_CLASSES)}', 'train_cfg.max_epochs=1',
                'train_cfg.val_interval=1', 'train_dataloader.dataset.ann_file=ImageSets/Main/trainval.txt',
                *(f'{part}_dataloader.{name}' for part in ('train', 'val', 'test') for name in (
                    f'dataset.metainfo.classes={names}', 'num_workers=0', 'persistent_workers=False')),
                environment=dict(STUDY_OBJECTS=str(scenes / 'VOCdevkit/VOC2007')))
    assert done.returncode == 0, done.stderr
    assert 'pascal_voc/mAP: ' in done.stdout + done.stderr
    assert (tmp_path / 'run/epoch_1.pth').is_file()
