"""The demo's classifier, small enough for dozens of tests to train it: drawn crops, and one stage of 8 channels."""
from pathlib import Path

from mmengine.config import Config

from mmresizemix.datasets import write_scenes
from mmresizemix.openmmlab.installed import CONFIGS, read_config

ONE_STAGE = {'model.backbone.num_stages': 1, 'model.backbone.strides': (1, ), 'model.backbone.dilations': (1, ),
             'model.backbone.out_indices': (0, ), 'model.backbone.base_channels': 8, 'model.head.in_channels': 8}


def write_crops(folder: Path, train: int, val: int = 2) -> Path:
    """Write pictures of each of the six classes in the layout for a classifier, and return their folder."""
    return write_scenes(folder, crops=(train, val), crop_size=48, coco=(0, 0), voc=(0, 0, 0)) / 'classification'


def small_classifier(crops: Path, work_dir: Path, name: str = 'resnet18-resizemix_scenes', **options) -> Config:
    """Return the config ``demo/<name>.py`` for ``crops``. Every step is logged, and there are two epochs unless
    ``options`` say otherwise."""
    cfg = read_config(CONFIGS / f'demo/{name}.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(crops)
        loader.collate_fn = dict(type='default_collate')
    cfg.merge_from_dict({'work_dir': str(work_dir), 'train_cfg.max_epochs': 2,
                         'default_hooks.logger.interval': 1, **ONE_STAGE, **options})
    return cfg
