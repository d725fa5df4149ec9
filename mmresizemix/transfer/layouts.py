"""A classifier's checkpoint, whoever wrote it -> the tensors of its backbone.

Under the names that torchvision, timm and MMDetection share: ``conv1.weight``, ``bn1.bias``,
``layer1.0.conv1.weight``, ... What the layouts are is in :func:`find_backbone`.
"""
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .anatomy import faults_of, name_some
from .checkpoint import CheckpointError

STAMP = 'mmresizemix_backbone'  # where in ``meta`` an exported file has its stamp
CLASSIFIER = ('fc.', 'head.')
_EXACT_IN_FLOAT32 = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Backbone:
    """The tensors of a backbone and where in the checkpoint they stood.

    Attributes:
        layout: 'mmpretrain', 'torchvision', 'timm' or 'mmresizemix'.
        weights: 'ema', 'raw', or 'only' where the checkpoint holds one set of weights.
    """
    tensors: dict[str, Tensor]
    layout: str
    weights: str


def find_backbone(checkpoint: Mapping, raw: bool = False) -> Backbone:
    """Take the backbone out of a checkpoint.

    ============  ==============================================  ================================
    layout        weights stand under                             and of these are kept
    ============  ==============================================  ================================
    mmpretrain    ``state_dict`` (with an EMAHook: the averaged   ``backbone.*``
                  ones; the raw in ``ema_state_dict``)
    torchvision   the top, or ``model``, ``model_ema``            all but ``fc.*``
    timm          ``state_dict``, ``state_dict_ema``              all but ``fc.*``
    mmresizemix   ``state_dict`` of an exported file              all
    ============  ==============================================  ================================

    A leading ``module.`` is dropped.

    Args:
        raw: the raw weights where there are averaged (EMA) ones too; these are the default.

    Raises:
        CheckpointError: not the whole of a plain ResNet, or NaN or Inf in it. All faults in one.
    """
    state, weights, layout = _choose(checkpoint, raw)
    state = {name: t for name, t in _without(state, 'module.').items() if name != 'n_averaged'}
    if any(name.startswith('backbone.') for name in state):
        layout = 'mmpretrain'
        tensors = {n[len('backbone.'):]: t for n, t in state.items() if n.startswith('backbone.')}
    else:
        tensors = {n: t for n, t in state.items() if not n.startswith(CLASSIFIER)}
    faults = not_plain(tensors) or [*faults_of(tensors), *not_finite(tensors)]
    if faults:
        raise CheckpointError(f'{"; ".join(faults)}.')
    return Backbone({n: _to_float32(t) for n, t in tensors.items()}, layout, weights)


def _choose(checkpoint: Mapping, raw: bool) -> tuple[Mapping, str, str]:
    """(state dict, which weights, layout)."""
    which = 'raw' if raw else 'ema'
    if isinstance(checkpoint.get('ema_state_dict'), Mapping):
        # MMEngine's EMAHook swaps the two before saving (mmengine/hooks/ema_hook.py)
        averaged = checkpoint['ema_state_dict']
        averaged = {n: t for n, t in averaged.items() if n.startswith('module.')}
        return averaged if raw else checkpoint['state_dict'], which, 'mmpretrain'
    for key, layout in (('state_dict', 'timm'), ('model', 'torchvision')):
        if isinstance(checkpoint.get(f'{key}_ema'), Mapping):
            return checkpoint[key if raw else f'{key}_ema'], which, layout
        if isinstance(checkpoint.get(key), Mapping):
            return checkpoint[key], 'only', 'mmresizemix' if stamp_of(checkpoint) else layout
    return checkpoint, 'only', 'torchvision'


def stamp_of(checkpoint: Mapping) -> dict | None:
    """The stamp of an exported file as a plain dict; None for any other file."""
    meta = checkpoint.get('meta')
    return meta.get(STAMP) if isinstance(meta, Mapping) else None


def _without(state: Mapping, prefix: str) -> dict:
    return {str(name).removeprefix(prefix): value for name, value in state.items()}


def not_plain(tensors: Mapping[str, Tensor]) -> list[str]:
    """Entries that are not dense tensors, or not of a dtype that float32 holds exactly."""
    odd = [f'{name} ({_kind(value)})' for name, value in tensors.items()
           if not isinstance(value, Tensor) or value.layout != torch.strided
           or value.is_quantized or (value.is_floating_point() or value.is_complex())
           and value.dtype not in _EXACT_IN_FLOAT32]
    return [f'{name_some(odd)}: expected dense tensors of 32 bits or less'] if odd else []


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Tensors with NaN or Inf in them, by name."""
    bad = [name for name, t in tensors.items() if not torch.isfinite(t).all()]
    return [f'NaN or Inf in {len(bad)} tensors: {name_some(bad)} (the training diverged: take an '
            'earlier checkpoint)'] if bad else []


def _to_float32(tensor: Tensor) -> Tensor:
    """A plain tensor with memory of its own; integers (BatchNorm's counters) stay as they are."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to(dtype, copy=True).contiguous()
