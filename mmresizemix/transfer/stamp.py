"""The stamp of a backbone file: what it is, where it came from, and a digest that proves it."""
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..config_text import read_config_text
from ..results import json_lines
from ..results.configs import method_of

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # in 0..255, RGB
IMAGENET_STD = (58.395, 57.12, 57.375)
FORMAT = 1


@dataclass(frozen=True)
class Stamp:
    """What is known about a backbone; None where it is not.

    Args:
        method: of the pretraining: 'baseline', 'cutmix', 'resizemix', ...
        depth, style: of the ResNet; ``style`` is where a bottleneck strides, 'pytorch' or 'caffe'.
        mean, std: what its pictures were normalised by, in 0..255, in the order of ``channels``.
        channels: 'RGB' or 'BGR', as the network sees them.
        source, source_sha256: the checkpoint it was taken from.
        layout, weights: see :class:`~mmresizemix.transfer.layouts.Backbone`.
        top1: accuracy in percent, and in ``top1_from`` where that was read.
        digest: :func:`digest` of the tensors.
    """
    method: str | None = None
    depth: int | None = None
    style: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str | None = None
    source: str | None = None
    source_sha256: str | None = None
    layout: str | None = None
    weights: str | None = None
    top1: float | None = None
    top1_from: str | None = None
    digest: str | None = None
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Of plain values, as it stands in the file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> 'Stamp':
        """Raises ValueError where a newer version has written ``values``."""
        if values.get('format') != FORMAT:
            raise ValueError(f'the stamp has format {values.get("format")}, this version of '
                             f'mmresizemix reads {FORMAT}; update it, or export again')
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v
                                  for k, v in values.items()}
        return cls(**fields)


def digest(tensors: dict[str, Tensor]) -> str:
    """sha256 over names, dtypes, shapes and bytes, in the order of names."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}\n'.encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)  # of any dtype, bfloat16 too
    return sha.hexdigest()


def facts_of_torchvision() -> dict[str, Any]:
    """How torchvision and timm train their ResNets."""
    return dict(mean=IMAGENET_MEAN, std=IMAGENET_STD, channels='RGB', style='pytorch')


def facts_of_mmpretrain(config_text: str) -> dict[str, Any]:
    """What an mmpretrain checkpoint's ``meta['cfg']`` says; the text is read, never executed."""
    cfg = read_config_text(config_text)
    model = _dict_in(cfg, 'model')
    if not _dict_in(model, 'backbone'):
        return {}  # what cannot be read is unknown, not a default
    preprocessor = _dict_in(model, 'data_preprocessor') or _dict_in(cfg, 'data_preprocessor')
    facts = dict(style=model['backbone'].get('style', 'pytorch'),
                 method=method_of(_dict_in(model, 'train_cfg').get('augments')))
    if _numeric(preprocessor.get('mean')) and _numeric(preprocessor.get('std')):
        facts.update(mean=tuple(preprocessor['mean']), std=tuple(preprocessor['std']),
                     channels=_channels(cfg, preprocessor))
    return facts


def _channels(cfg: dict[str, Any], preprocessor: dict[str, Any]) -> str:
    """``to_rgb`` turns them round, whatever they are: MMPretrain's CIFAR comes red first."""
    dataset = _dict_in(_dict_in(cfg, 'train_dataloader'), 'dataset')
    red_first = str(dataset.get('type')).rpartition('.')[2].startswith('CIFAR')
    return 'RGB' if bool(preprocessor.get('to_rgb')) != red_first else 'BGR'


def _dict_in(values: dict, name: str) -> dict:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _numeric(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and len(values) > 0 and all(
        isinstance(v, (int, float)) for v in values)


def top1_of_run(checkpoint: Path, epoch: int | None) -> tuple[float, str] | None:
    """(top-1 in percent, the log it stands in) of an mmpretrain run at ``epoch``, if logged."""
    for log in sorted(checkpoint.parent.glob('*/vis_data/scalars.json'), reverse=True):
        for entry in reversed(json_lines(log)):
            if 'accuracy/top1' in entry and entry.get('step') == epoch:
                return float(entry['accuracy/top1']), f'{log.parts[-3]}/{log.parts[-2]}/{log.name}'
    return None
