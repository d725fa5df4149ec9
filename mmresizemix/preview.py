"""What a pretraining config really feeds its network: a batch of its own pictures, mixed."""
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope
from torch import Tensor

from .batch_augments import BatchAugment
from .batch_augments.show import show_mix
from .seeding import seed_everything


def show_config_mix(config: str, out: Path, samples: int = 8, seed: int = 0,
                    cfg_options: dict | None = None) -> Path:
    """Draw ``samples`` training pictures of ``config`` before and after its batch augment.

    Raises:
        ValueError: the config mixes nothing, or by an augment that is not ours.
    """
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(cfg_options or {})
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    preprocessor = _preprocessor(cfg)
    augment = _augment(preprocessor, config)
    augment.seed, augment.inplace = seed, False
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    before, labels = _batch(dataset, preprocessor, samples, seed)

    scores = torch.nn.functional.one_hot(labels, preprocessor.num_classes).float()
    mix = augment.draw(len(before), tuple(before.shape[-2:]))
    after, mixed_scores = augment.apply(mix, before, scores)
    classes = dataset.metainfo.get('classes') or list(map(str, range(preprocessor.num_classes)))
    return show_mix(out, mix, _to_pictures(before, preprocessor), _to_pictures(after, preprocessor),
                    scores, mixed_scores, classes, title=_title(augment))


def _title(augment: BatchAugment) -> str:
    settings = {k: v for k, v in augment.settings().items()
                if k not in ('inplace', 'seed', 'num_classes')}
    return f'{type(augment).__name__}: ' + ', '.join(f'{k} {v}' for k, v in settings.items())


def _preprocessor(cfg: Config):
    settings = dict(cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {})
    settings.setdefault('type', 'ClsDataPreprocessor')
    settings.setdefault('batch_augments', cfg.model.get('train_cfg'))
    settings.setdefault('num_classes', cfg.model.head.num_classes)
    return MODELS.build(settings)


def _augment(preprocessor, config: str) -> BatchAugment:
    chooser = preprocessor.batch_augments
    ours = [a for a in chooser.augments if isinstance(a, BatchAugment)] if chooser else []
    if not ours:
        raise ValueError(f'{config}: model.train_cfg.augments: expected mmresizemix.ResizeMix or '
                         'mmresizemix.CutMix, got none')
    return ours[0]


def _batch(dataset, preprocessor, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """``samples`` pictures of ``dataset``, normalised as in training, and their classes."""
    seed_everything(seed)  # the data sets' transforms know no other generator
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:samples]
    items = [dataset[int(i)] for i in chosen]
    labels = torch.cat([item['data_samples'].gt_label for item in items])
    inputs = preprocessor(dict(inputs=torch.stack([item['inputs'] for item in items])))['inputs']
    return inputs, labels


def _to_pictures(inputs: Tensor, preprocessor) -> np.ndarray:
    """Undo the normalisation: (N, 3, H, W) float -> (N, H, W, 3) uint8 RGB."""
    pictures = inputs * preprocessor.std + preprocessor.mean
    if not preprocessor.to_rgb:
        pictures = pictures.flip(1)
    return pictures.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
