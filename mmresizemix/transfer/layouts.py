"""From the checkpoints of mmpretrain, torchvision and timm to the names of a plain ResNet."""
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

STAMP_KEY = 'mmresizemix_backbone'  # in an exported file's meta
HEADS = ('fc.', 'head.')  # what a classifier has above its backbone
COUNTERS = ('n_averaged', 'steps')  # of torch's and MMEngine's averaged models
WRAPPERS = ('module.', '_orig_mod.')  # put in front by DataParallel and torch.compile

# (block, blocks of layer1..layer4) -> depth
DEPTHS: dict[tuple[str, tuple[int, ...]], int] = {
    ('basic', (2, 2, 2, 2)): 18,
    ('basic', (3, 4, 6, 3)): 34,
    ('bottleneck', (3, 4, 6, 3)): 50,
    ('bottleneck', (3, 4, 23, 3)): 101,
    ('bottleneck', (3, 8, 36, 3)): 152,
}


class LayoutError(ValueError):
    """Tensors that are not the whole of a plain ResNet; the message says what they are."""


@dataclass(frozen=True)
class Backbone:
    """A backbone out of a classifier's checkpoint.

    Args:
        tensors: by torchvision's names, which are MMDetection's (``layer1.0.conv1.weight``).
        layout: 'mmpretrain', 'torchvision or timm', or 'exported'.
        weights: 'ema' or 'raw' where the checkpoint has both, else 'only'.
    """
    tensors: dict[str, Tensor]
    layout: str
    weights: str


def read_layout(checkpoint: dict[str, Any], raw: bool = False) -> Backbone:
    """Find the backbone in ``checkpoint``; the moving average (EMA) where there is one.

    Args:
        raw: take the raw weights instead of the EMA.

    Raises:
        LayoutError: no tensors of a backbone, or ``raw`` where there is no EMA beside them.
    """
    state, weights = _choose_weights(checkpoint, raw)
    state = {_unwrapped(name): value for name, value in state.items()
             if isinstance(value, Tensor) and name not in COUNTERS}
    prefixed = {k[len('backbone.'):]: v for k, v in state.items() if k.startswith('backbone.')}
    if STAMP_KEY in meta_of(checkpoint):
        layout = 'exported'
    else:
        layout = 'mmpretrain' if prefixed else 'torchvision or timm'
    tensors = {k: v for k, v in (prefixed or state).items() if not k.startswith(HEADS)}
    wide = [k for k, v in tensors.items() if v.dtype in (torch.float64, torch.complex128)]
    if wide:
        raise LayoutError(f'{len(wide)} tensors that float32 does not hold exactly '
                          f'({listed(wide)}); save them as float32')
    if not tensors:
        raise LayoutError(f'no tensors of a backbone; the top-level keys are {[*checkpoint][:8]}')
    return Backbone(tensors, layout, weights)


def meta_of(checkpoint: dict[str, Any]) -> dict:
    """What a checkpoint says of itself; empty where it says nothing."""
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, dict) else {}


def _choose_weights(checkpoint: dict[str, Any], raw: bool) -> tuple[dict, str]:
    """(tensors, 'ema' | 'raw' | 'only'), by where the frameworks keep them."""
    if isinstance(checkpoint.get('ema_state_dict'), dict):
        # MMEngine's EMAHook swaps before it saves: state_dict is the EMA, the raw weights stand
        # under ema_state_dict['module.*'].
        if not raw:
            return checkpoint['state_dict'], 'ema'
        return {k: v for k, v in checkpoint['ema_state_dict'].items()
                if k.startswith('module.')}, 'raw'
    for plain, average in (('state_dict', 'state_dict_ema'), ('model', 'model_ema')):  # timm, tv
        if isinstance(checkpoint.get(average), dict):
            return (checkpoint[plain], 'raw') if raw else (checkpoint[average], 'ema')
    if raw:
        raise LayoutError('raw weights were asked for, but no moving average stands beside them; '
                          'leave out --raw')
    for name in ('state_dict', 'model'):
        if isinstance(checkpoint.get(name), dict):
            return checkpoint[name], 'only'
    return checkpoint, 'only'


def _unwrapped(name: str) -> str:
    while name.startswith(WRAPPERS):
        name = name.split('.', 1)[1]
    return name


def depth_of(tensors: dict[str, Tensor]) -> int | None:
    """The depth of a ResNet by its blocks, or None where they fit none."""
    blocks = tuple(
        len({name.split('.')[1] for name in tensors if name.startswith(f'layer{stage}.')})
        for stage in (1, 2, 3, 4))
    kind = 'bottleneck' if 'layer1.0.conv3.weight' in tensors else 'basic'
    return DEPTHS.get((kind, blocks))


def has_deep_stem(tensors: dict[str, Tensor]) -> bool:
    """Whether the stem is three 3x3 convolutions: mmpretrain's and timm's names for it."""
    return any(name.startswith(('stem.', 'conv1.0.')) for name in tensors)


def check_plain_resnet(tensors: dict[str, Tensor]) -> int:
    """The depth, if ``tensors`` are the whole of a plain ResNet and finite.

    Raises:
        LayoutError: another architecture, missing or foreign tensors, NaN or infinite values; all
            that was found.
    """
    depth = depth_of(tensors)
    faults = _architecture_faults(tensors)
    if depth is not None and not faults:
        faults = _differences_from_plain(tensors, depth)
    faults += [f'{name} holds NaN or infinite values' for name in not_finite(tensors)]
    if faults or depth is None:
        raise LayoutError('; '.join(faults))
    return depth


def not_finite(tensors: dict[str, Tensor]) -> list[str]:
    """The names of tensors that hold NaN or infinity."""
    return [name for name, t in tensors.items()
            if t.is_floating_point() and not torch.isfinite(t).all()]


def _architecture_faults(tensors: dict[str, Tensor]) -> list[str]:
    if has_deep_stem(tensors):
        return ['a deep stem (ResNetV1c or V1d), which the detectors here do not have']
    if depth_of(tensors) is None:
        return ['blocks of no known ResNet (18, 34, 50, 101, 152): is the file whole?']
    conv2 = tensors['layer1.0.conv2.weight'].shape
    if conv2[1] != conv2[0]:
        return [f'a grouped 3x3 convolution of shape {tuple(conv2)}: a ResNeXt']
    if conv2[0] != 64:
        return [f'width {conv2[0]} in layer1 instead of 64: a wide or thin ResNet']
    if getattr(tensors.get('layer2.0.downsample.1.weight'), 'ndim', 1) == 4:
        return ['average pooling in the shortcuts (avg_down, ResNetV1d)']
    return []


def _differences_from_plain(tensors: dict[str, Tensor], depth: int) -> list[str]:
    import torchvision
    with torch.device('meta'):
        plain = getattr(torchvision.models, f'resnet{depth}')().state_dict()
    plain = {k: v for k, v in plain.items() if not k.startswith(HEADS)}
    missing = [k for k in plain if k not in tensors and not k.endswith('num_batches_tracked')]
    foreign = [k for k in tensors if k not in plain]
    misshapen = [f'{k} {tuple(t.shape)} instead of {tuple(plain[k].shape)}'
                 for k, t in tensors.items() if k in plain and t.shape != plain[k].shape]
    return [f'{len(found)} {what} ({listed(found)})' for what, found in (
        ('tensors missing', missing), ('foreign tensors', foreign), ('misshapen', misshapen))
        if found]


def listed(names: list[str], count: int = 3) -> str:
    """The first few of ``names``."""
    more = f', ... {len(names) - count} more' if len(names) > count else ''
    return ', '.join(names[:count]) + more
