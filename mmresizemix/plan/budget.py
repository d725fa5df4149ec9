"""A plan of the paper made small: for any folder of pictures and a few minutes.

It is another experiment than the paper's, with the same steps.
"""
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..datasets.pictures import SUFFIXES, pictures_below
from ..files import write_if_changed
from .plan import PlanError, read_seeds

SPLITS = ('train', 'val')
VALIDATED = 10  # about one picture in 10 is for validation if the folder is not split
SIDE, PIXELS_OF = 64, 224  # ImageNet's sizes in pixels are multiplied by 64 / 224
CIFAR_SIDE = 32
BATCH = 64
EPOCHS = 5
# The small network of each family: (its settings, the channels that its classifier gets).
BACKBONES = {'ResNet': (dict(depth=18), 512),
             'mmresizemix.WideResNet': (dict(depth=10, widen_factor=2), 128),
             'mmresizemix.ShakeShake': (dict(depth=8, base_channels=16), 64)}
# Steps that make any picture like those of CIFAR: small, square, with the red channel first.
LIKE_CIFAR = [
    dict(type='mmresizemix.LoadPicture'),
    dict(type='ResizeEdge', scale=CIFAR_SIDE, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=CIFAR_SIDE),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='PILToNumpy', to_bgr=False)]


@dataclass(frozen=True)
class Pictures:
    """A folder that holds one subfolder per class, and lists of 'file label' lines.

    Args:
        folder: the folder of the pictures.
        classes: the names of the classes, in the order of their labels.
        lists: the files of the list for training and of the list for validation.
    """
    folder: Path
    classes: tuple[str, ...]
    lists: tuple[Path, Path]


@dataclass(frozen=True)
class Budget:
    """The settings by which a plan is made small.

    Args:
        pictures: the pictures that replace the plan's data sets.
        epochs: the number of epochs of every run.
        seeds: the seeds of every row. If None, those of the plan are used.
        gpus: the largest number of GPUs per run.

    Raises:
        PlanError: seeds repeat, or there are no epochs.
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
        """The remark above its tables, which says that this is not the paper's experiment."""
        return (f"This is not the paper's experiment: {self.pictures.folder.name} "
                f'({len(self.pictures.classes)} classes) for {self.epochs} epochs, with small '
                f'networks (WRN-10-2, Shake-Shake 8 2x16d, ResNet-18), at {CIFAR_SIDE} or {SIDE} '
                'pixels.')


def list_pictures(folder: str | Path, out: Path) -> Pictures:
    """List ``folder/{train,val}/<class>/*`` or, if the folder is not split, ``folder/<class>/*``.

    If it is not split, about a tenth of each class is for validation, always the same pictures.

    Args:
        out: the folder that the lists are written to.

    Raises:
        PlanError: there is no such folder, it has fewer than two classes, or a class has no
            pictures for training or for validation.
    """
    # Find the classes.
    folder = Path(os.path.realpath(Path(folder).expanduser()))
    if not folder.is_dir():
        raise PlanError(f'--data: no such folder: {folder}')
    split = all((folder / part).is_dir() for part in SPLITS)
    top = folder / SPLITS[0] if split else folder
    classes = tuple(sorted(p.name for p in top.iterdir() if p.is_dir()))
    if len(classes) < 2:
        raise PlanError(f'--data: {top}: expected a folder for each of at least 2 classes, got '
                        f'{len(classes)}')
    # Find the pictures of each class and part.
    found: dict[str, list[str]] = {part: [] for part in SPLITS}
    for label, name in enumerate(classes):
        for part in SPLITS:
            where = folder / part / name if split else folder / name
            files = sorted(str(p.relative_to(folder)) for p in pictures_below(where))
            chosen = files if split else [f for f in files if _part_of(f) == part]
            if not chosen:
                raise PlanError(f'--data: {where}: no pictures for {part} ({", ".join(SUFFIXES)})')
            found[part] += [f'{file} {label}' for file in chosen]
    # A list that has not changed keeps its time, or the data would be checked anew.
    train, val = (out / f'{part}.txt' for part in SPLITS)
    for path, lines in zip((train, val), found.values()):
        write_if_changed(path, '\n'.join(lines) + '\n')
    return Pictures(folder, classes, (train, val))


def _part_of(file: str) -> str:
    # By a hash of its name, a picture stays in its part when others are added or removed.
    number = int(hashlib.sha256(file.encode()).hexdigest(), 16)
    return SPLITS[number % VALIDATED == 0]


def small_config(cfg: Config, pictures: Pictures, epochs: int = EPOCHS) -> Config:
    """Return a copy of a classifier's config that trains a small network of the same family on
    ``pictures``, for a few epochs.

    What is under test stays as it is: batch augments, policies, crops and samplers.

    Raises:
        PlanError: there is no small network for the backbone of ``cfg``.
    """
    # The network and the number of classes.
    cfg = Config(cfg.to_dict())
    backbone = cfg.model.backbone
    if backbone.type not in BACKBONES:
        raise PlanError(f'--budget small: {backbone.type}: expected one of {", ".join(BACKBONES)}')
    smaller, channels = BACKBONES[backbone.type]
    backbone.update(smaller)
    classes = len(pictures.classes)
    cfg.model.head.update(in_channels=channels, num_classes=classes, topk=(1, ))
    cfg.data_preprocessor.num_classes = classes
    # The data sets. The pipelines stay, at smaller sizes. Those for CIFAR expect CIFAR's pictures.
    of_cifar = cfg.train_dataloader.dataset.type.startswith('CIFAR')
    for loader, list_file in (('train', 0), ('val', 1), ('test', 1)):
        settings = cfg[f'{loader}_dataloader']
        pipeline = settings.dataset.pipeline
        settings.dataset = dict(
            type='CustomDataset', data_root=str(pictures.folder),
            ann_file=str(pictures.lists[list_file]), data_prefix='', classes=pictures.classes,
            pipeline=[*LIKE_CIFAR, *pipeline] if of_cifar else _shrunk(pipeline))
        # A sampler may repeat each picture: a batch then still holds ``BATCH`` different ones.
        settings.update(num_workers=1, persistent_workers=False,
                        batch_size=BATCH * settings.get('sampler', {}).get('times', 1))
    # The learning rate is scaled to the batch size, and the schedule to the epochs.
    batch = cfg.train_dataloader.batch_size
    cfg.optim_wrapper.optimizer.lr *= batch / cfg.auto_scale_lr.base_batch_size
    cfg.auto_scale_lr.base_batch_size = batch
    cfg.train_cfg.max_epochs = cfg.param_scheduler.T_max = epochs
    # There may be fewer than five classes, so there is no top-5.
    for name in ('val_evaluator', 'test_evaluator'):
        cfg[name].topk = (1, )
    cfg.default_hooks.logger.interval = 20
    return cfg


def _shrunk(pipeline: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: round(v * SIDE / PIXELS_OF) if k in ('scale', 'crop_size') else v
             for k, v in step.items()} for step in pipeline]
