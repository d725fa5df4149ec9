"""A plan of the paper's, small enough for any folder of pictures and a few minutes: another
experiment, in the same order."""
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..datasets.pictures import SUFFIXES, pictures_below
from ..files import write_if_changed
from .plan import PlanError, read_seeds

SPLITS = ('train', 'val')
VALIDATED = 10  # one picture in so many, where the folder is not split
SIDE, PIXELS_OF = 64, 224  # what ImageNet's sizes shrink to, from
CIFAR_SIDE = 32
BATCH = 64
EPOCHS = 5
# Of the same family: settings, channels that the classifier gets.
BACKBONES = {'ResNet': (dict(depth=18), 512),
             'mmresizemix.WideResNet': (dict(depth=10, widen_factor=2), 128),
             'mmresizemix.ShakeShake': (dict(depth=8, base_channels=16), 64)}
# Pictures as CIFAR has them: small, square, red first.
LIKE_CIFAR = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='ResizeEdge', scale=CIFAR_SIDE, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=CIFAR_SIDE),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='PILToNumpy', to_bgr=False)]


@dataclass(frozen=True)
class Pictures:
    """A folder with a folder a class, split, as lists of 'file label' lines.

    Args:
        lists: of training and validation.
    """
    folder: Path
    classes: tuple[str, ...]
    lists: tuple[Path, Path]


@dataclass(frozen=True)
class Budget:
    """
    Args:
        seeds: of every row, if not the plan's.
        gpus: of a run, at most.

    Raises:
        PlanError: seeds that repeat, no epochs.
    """
    pictures: Pictures
    epochs: int = EPOCHS
    seeds: Sequence[int] | None = None
    gpus: int = 0

    def __post_init__(self) -> None:
        if self.seeds is not None:
            read_seeds(self.seeds, '--seeds')
        if self.epochs < 1:
            raise PlanError(f'--epochs: expected at least 1, got {self.epochs}')

    @property
    def remark(self) -> str:
        """What stands above its tables."""
        return (f"This is not the paper's experiment: {self.pictures.folder.name} "
                f'({len(self.pictures.classes)} classes) for {self.epochs} epochs, by small '
                f'networks (WRN-10-2, Shake-Shake 8 2x16d, ResNet-18), at {CIFAR_SIDE} or {SIDE} '
                'pixels.')


def list_pictures(folder: str | Path, out: Path) -> Pictures:
    """Find ``folder/{train,val}/<class>/*`` or, where it is not split, ``folder/<class>/*``: then a
    tenth of each class is for validation, always the same one.

    Args:
        out: where the lists go.

    Raises:
        PlanError: no such folder, no pictures, one class, or a class without pictures in a part.
    """
    folder = Path(folder).expanduser().resolve()
    if not folder.is_dir():
        raise PlanError(f'--data: no such folder: {folder}')
    split = all((folder / part).is_dir() for part in SPLITS)
    top = folder / SPLITS[0] if split else folder
    classes = tuple(sorted(p.name for p in top.iterdir() if p.is_dir()))
    if len(classes) < 2:
        raise PlanError(f'--data: {top}: expected a folder for each of at least 2 classes, got '
                        f'{len(classes)}')
    found: dict[str, list[str]] = {part: [] for part in SPLITS}
    for label, name in enumerate(classes):
        for part in SPLITS:
            where = folder / part / name if split else folder / name
            files = sorted(str(p.relative_to(folder)) for p in pictures_below(where))
            chosen = files if split else [f for f in files if _part_of(f) == part]
            if not chosen:
                raise PlanError(f'--data: {where}: no pictures for {part} ({", ".join(SUFFIXES)})')
            found[part] += [f'{file} {label}' for file in chosen]
    train, val = (out / f'{part}.txt' for part in SPLITS)
    for path, lines in zip((train, val), found.values()):
        write_if_changed(path, '\n'.join(lines) + '\n')  # a new file is checked anew
    return Pictures(folder, classes, (train, val))


def _part_of(file: str) -> str:
    number = int(hashlib.sha256(file.encode()).hexdigest(), 16)
    return SPLITS[number % VALIDATED == 0]


def small_config(cfg: Config, pictures: Pictures, epochs: int = EPOCHS) -> Config:
    """``cfg`` of a classifier on ``pictures``, by a small network of the same family, for a few
    epochs. What is under test stays: batch augments, policies, crops, samplers.

    Raises:
        PlanError: a backbone that has no small one.
    """
    cfg = Config(cfg.to_dict())
    backbone = cfg.model.backbone
    if backbone.type not in BACKBONES:
        raise PlanError(f'--budget small: {backbone.type}: expected one of {", ".join(BACKBONES)}')
    smaller, channels = BACKBONES[backbone.type]
    backbone.update(smaller)
    classes = len(pictures.classes)
    cfg.model.head.update(in_channels=channels, num_classes=classes, topk=(1, ))
    cfg.data_preprocessor.num_classes = classes
    of_cifar = cfg.train_dataloader.dataset.type.startswith('CIFAR')
    for loader, list_file in (('train', 0), ('val', 1), ('test', 1)):
        settings = cfg[f'{loader}_dataloader']
        pipeline = settings.dataset.pipeline
        settings.dataset = dict(
            type='CustomDataset', data_root=str(pictures.folder),
            ann_file=str(pictures.lists[list_file]), data_prefix='', classes=pictures.classes,
            pipeline=[*LIKE_CIFAR, *pipeline] if of_cifar else _shrunk(pipeline))
        settings.update(num_workers=1, persistent_workers=False,
                        batch_size=BATCH * settings.get('sampler', {}).get('times', 1))
    batch = cfg.train_dataloader.batch_size
    cfg.optim_wrapper.optimizer.lr *= batch / cfg.auto_scale_lr.base_batch_size
    cfg.auto_scale_lr.base_batch_size = batch
    cfg.train_cfg.max_epochs = cfg.param_scheduler.T_max = epochs
    for name in ('val_evaluator', 'test_evaluator'):
        cfg[name].topk = (1, )
    cfg.default_hooks.logger.interval = 20
    return cfg


def _shrunk(pipeline: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: round(v * SIDE / PIXELS_OF) if k in ('scale', 'crop_size') else v
             for k, v in step.items()} for step in pipeline]
