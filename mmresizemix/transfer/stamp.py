"""The stamp of a backbone file, which says what the file is and where it came from.

A digest proves that the tensors are the exported ones.
"""
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..openmmlab.channel_order import red_first
from ..runs import json_lines
from ..runs.config_text import read_config_text
from ..runs.method_name import method_of

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # in 0..255, RGB
IMAGENET_STD = (58.395, 57.12, 57.375)
FORMAT = 1


@dataclass(frozen=True)
class Stamp:
    """The known facts about a backbone. A fact that is not known is None.

    Args:
        method: the name of the pretraining: 'baseline', 'cutmix', 'resizemix', ...
        depth: the depth of the ResNet.
        style: where a bottleneck has its stride, 'pytorch' or 'caffe'.
        mean, std: the normalisation of its pictures, in 0..255, in the order of ``channels``.
        channels: 'RGB' or 'BGR', as the network sees them.
        source, source_sha256: the name and the digest of the checkpoint that it was taken from.
        layout, weights: see :class:`~mmresizemix.transfer.layouts.Backbone`.
        top1: the accuracy in percent.
        top1_from: where ``top1`` was read, or 'given'.
        digest: the :func:`digest` of the tensors.
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
        """Convert the stamp to plain values, as they stand in the file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> 'Stamp':
        """Read a stamp from what :meth:`to_dict` returned.

        Raises:
            ValueError: ``values`` have another format, e.g. that of a newer version.
        """
        if values.get('format') != FORMAT:
            raise ValueError(f'the stamp has format {values.get("format")}, but this version of '
                             f'mmresizemix reads format {FORMAT}; update mmresizemix, or export '
                             'the file again')
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v
                                  for k, v in values.items()}
        return cls(**fields)


def digest(tensors: dict[str, Tensor]) -> str:
    """Compute the SHA-256 over names, dtypes, shapes and bytes, in the order of names."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}\n'.encode())
        # A view as bytes works for every dtype. NumPy has no bfloat16.
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def facts_of_torchvision() -> dict[str, Any]:
    """Return how torchvision and timm prepare pictures and place strides in their ResNets."""
    return dict(mean=IMAGENET_MEAN, std=IMAGENET_STD, channels='RGB', style='pytorch')


def facts_of_mmpretrain(config_text: str) -> dict[str, Any]:
    """Read the facts in ``meta['cfg']`` of an mmpretrain checkpoint. The text is never executed."""
    cfg = read_config_text(config_text)
    model = _dict_in(cfg, 'model')
    if not _dict_in(model, 'backbone'):
        return {}  # a config that cannot be read leaves all facts unknown
    preprocessor = _dict_in(model, 'data_preprocessor') or _dict_in(cfg, 'data_preprocessor')
    facts = dict(style=model['backbone'].get('style', 'pytorch'),
                 method=method_of(_dict_in(model, 'train_cfg').get('augments')))
    if _numeric(preprocessor.get('mean')) and _numeric(preprocessor.get('std')):
        facts.update(mean=tuple(preprocessor['mean']), std=tuple(preprocessor['std']),
                     channels=_channels(cfg, preprocessor))
    return facts


def _channels(cfg: dict[str, Any], preprocessor: dict[str, Any]) -> str:
    """Return the order of channels that the network sees, 'RGB' or 'BGR'."""
    # ``to_rgb`` reverses the channels, whatever their order is.
    dataset = _dict_in(_dict_in(cfg, 'train_dataloader'), 'dataset')
    return 'RGB' if bool(preprocessor.get('to_rgb')) != red_first(dataset) else 'BGR'


def _dict_in(values: dict, name: str) -> dict:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _numeric(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and len(values) > 0 and all(
        isinstance(v, (int, float)) for v in values)


def top1_of_run(checkpoint: Path, epoch: int | None) -> tuple[float, str] | None:
    """Return (top-1 in percent, its log) of an mmpretrain run at ``epoch``, None if not logged."""
    # The newest log and the last line in it count.
    for log in sorted(checkpoint.parent.glob('*/vis_data/scalars.json'), reverse=True):
        for entry in reversed(json_lines(log)):
            if 'accuracy/top1' in entry and entry.get('step') == epoch:
                return float(entry['accuracy/top1']), f'{log.parts[-3]}/{log.parts[-2]}/{log.name}'
    return None
