"""Fixtures: backbone files, and a small detector that takes them."""
import json
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from thin_networks import options_for
from transfer_samples import as_mmpretrain, state_of

from mmresizemix.openmmlab.installed import read_config

DETECTOR = 'configs/demo/faster-rcnn_r18_scenes-coco.py'
_read = cache(read_config)


@pytest.fixture(scope='session')
def exported_once(tmp_path_factory):
    from mmresizemix.transfer import export_backbone
    folder = tmp_path_factory.mktemp('exported')
    torch.save(as_mmpretrain(state_of()), folder / 'checkpoint.pth')
    export_backbone(folder / 'checkpoint.pth', folder / 'backbone.pth')
    return folder / 'backbone.pth'


@pytest.fixture
def exported(exported_once, tmp_path):
    """A valid backbone file, which the test may change."""
    return Path(shutil.copy(exported_once, tmp_path))


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    """Two pictures per split in COCO layout, with one box each."""
    root = tmp_path_factory.mktemp('scenes') / 'coco'
    rng = np.random.default_rng(0)
    for split in ('train2017', 'val2017'):
        (root / split).mkdir(parents=True)
        for i in (1, 2):
            Image.fromarray(rng.integers(0, 255, (96, 96, 3), np.uint8)).save(
                root / split / f'{i}.jpg')
        (root / 'annotations').mkdir(exist_ok=True)
        (root / f'annotations/instances_{split}.json').write_text(json.dumps(dict(
            images=[dict(id=i, file_name=f'{i}.jpg', width=96, height=96) for i in (1, 2)],
            annotations=[dict(id=i, image_id=i, category_id=1, bbox=[20, 20, 40, 40], area=1600,
                              iscrowd=0) for i in (1, 2)],
            categories=[dict(id=i + 1, name=n) for i, n in enumerate(
                ('circle', 'square', 'triangle', 'ring', 'cross', 'star'))])))
    return root.parent


@pytest.fixture
def detector_config(scenes, tmp_path, monkeypatch):
    """A function: ``detector_config(backbone, **overrides)`` is the demo's Faster R-CNN (or SSD), thin and
    for one epoch."""
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(scenes))

    def _config(backbone, config=DETECTOR, **overrides):
        cfg = deepcopy(_read(config))
        cfg.work_dir = str(tmp_path / 'run')
        cfg.model.backbone.init_cfg = backbone and dict(type='Pretrained', checkpoint=str(backbone))
        cfg.merge_from_dict({**options_for(str(config)), 'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 5,
                             **overrides})
        return cfg

    return _config


class Stopped(Exception):
    """An exception that says that the guard let the detector pass, and training would begin."""


@pytest.fixture
def start(monkeypatch):
    """A function that starts a real training, up to the first step, and returns the runner."""
    from mmengine.runner import EpochBasedTrainLoop, Runner

    def stop(self):
        raise Stopped

    monkeypatch.setattr(EpochBasedTrainLoop, 'run_epoch', stop)

    def _start(cfg):
        runner = Runner.from_cfg(cfg)
        with pytest.raises(Stopped):
            runner.train()
        return runner

    return _start
