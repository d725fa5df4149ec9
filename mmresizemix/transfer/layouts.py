"""Find a plain ResNet in checkpoints of mmpretrain, torchvision and timm, under common names."""
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

STAMP_KEY = 'mmresizemix_backbone'  # in an exported file's meta
HEADS = ('fc.', 'head.')  # the layers of a classifier after its backbone
COUNTERS = ('n_averaged', 'steps')  # of the averaged models of torch and MMEngine
WRAPPERS = ('module.', '_orig_mod.')  # prefixes that DataParallel and torch.compile add

# (block, blocks of layer1..layer4) -> depth
DEPTHS: dict[tuple[str, tuple[int, ...]], int] = {
    ('basic', (2, 2, 2, 2)): 18,
    ('basic', (3, 4, 6, 3)): 34,
    ('bottleneck', (3, 4, 6, 3)): 50,
    ('bottleneck', (3, 4, 23, 3)): 101,
    ('bottleneck', (3, 8, 36, 3)): 152,
}


class LayoutError(ValueError):
    """The error for tensors that are not a whole plain ResNet. The message says what they are."""


@dataclass(frozen=True)
class Backbone:
    """The backbone in the checkpoint of a classifier.

    Args:
        tensors: the tensors by torchvision's names (``layer1.0.conv1.weight``), which are also
            those of MMDetection.
        layout: 'mmpretrain', 'torchvision or timm', or 'exported'.
        weights: 'ema' or 'raw' where the checkpoint has both, else 'only'.
    """
    tensors: dict[str, Tensor]
    layout: str
    weights: str


def read_layout(checkpoint: dict[str, Any], raw: bool = False) -> Backbone:
    """Find the backbone in ``checkpoint``, taking the moving average (EMA) if there is one.

    Args:
        raw: take the raw weights instead of the EMA.

    Raises:
        LayoutError: there are no tensors of a backbone, tensors have more digits than float32
            holds, or ``raw`` is true and there is no EMA.
    """
    state, weights = _choose_weights(checkpoint, raw)
    state = {_unwrapped(name): value for name, value in state.items()
             if isinstance(value, Tensor) and name not in COUNTERS}
    # mmpretrain puts 'backbone.' in front, while torchvision and timm have no prefix.
    prefixed = {k[len('backbone.'):]: v for k, v in state.items() if k.startswith('backbone.')}
    if STAMP_KEY in meta_of(checkpoint):
        layout = 'exported'
    else:
        layout = 'mmpretrain' if prefixed else 'torchvision or timm'
    tensors = {k: v for k, v in (prefixed or state).items() if not k.startswith(HEADS)}
    # The backbone is exported as float32, so wider tensors would lose digits.
    wide = [k for k, v in tensors.items() if v.dtype in (torch.float64, torch.complex128)]
    if wide:
        raise LayoutError(f'{len(wide)} tensors that float32 cannot hold exactly '
                          f'({listed(wide)}); save them as float32')
    if not tensors:
        raise LayoutError(f'no tensors of a backbone; the top-level keys are {[*checkpoint][:8]}')
    return Backbone(tensors, layout, weights)


def meta_of(checkpoint: dict[str, Any]) -> dict:
    """Return the ``meta`` of a checkpoint, or {} if it has none."""
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, dict) else {}


def _choose_weights(checkpoint: dict[str, Any], raw: bool) -> tuple[dict, str]:
    """Choose the weights by where the frameworks keep them; return (tensors, which).

    The second value is 'ema' or 'raw' if the checkpoint has both, else 'only'.
    """
    if isinstance(checkpoint.get('ema_state_dict'), dict):
        # MMEngine's EMAHook swaps both before it saves: state_dict holds the EMA, and
        # ema_state_dict['module.*'] holds the raw weights.
        if not raw:
            return checkpoint['state_dict'], 'ema'
        return {k: v for k, v in checkpoint['ema_state_dict'].items()
                if k.startswith('module.')}, 'raw'
    # timm uses the first pair of names, and torchvision's references use the second.
    for plain, average in (('state_dict', 'state_dict_ema'), ('model', 'model_ema')):
        if isinstance(checkpoint.get(average), dict):
            return (checkpoint[plain], 'raw') if raw else (checkpoint[average], 'ema')
    if raw:
        raise LayoutError('raw weights were asked for, but the checkpoint has no moving average; '
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
    """Return the depth of a ResNet by its numbers of blocks, or None if no ResNet has these."""
    blocks = tuple(
        len({name.split('.')[1] for name in tensors if name.startswith(f'layer{stage}.')})
        for stage in (1, 2, 3, 4))
    kind = 'bottleneck' if 'layer1.0.conv3.weight' in tensors else 'basic'
    return DEPTHS.get((kind, blocks))


def has_deep_stem(tensors: dict[str, Tensor]) -> bool:
    """Whether the stem consists of three 3x3 convolutions."""
    # mmpretrain names them 'stem.', and timm names them 'conv1.0.' and so on.
    return any(name.startswith(('stem.', 'conv1.0.')) for name in tensors)


def check_plain_resnet(tensors: dict[str, Tensor]) -> int:
    """Return the depth of a ResNet, after checking that it is whole, plain and finite.

    Raises:
        LayoutError: the architecture is another, tensors are missing, foreign or of another shape,
            or values are NaN or infinite. The message lists all that was found.
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
    """Return the names of tensors that hold NaN or infinite values."""
    return [name for name, t in tensors.items()
            if t.is_floating_point() and not torch.isfinite(t).all()]


def _architecture_faults(tensors: dict[str, Tensor]) -> list[str]:
    if has_deep_stem(tensors):
        return ['a deep stem (ResNetV1c or V1d), which the detectors here do not have']
    if depth_of(tensors) is None:
        return ['blocks of no known ResNet (18, 34, 50, 101, 152): is the file complete?']
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
    # On the meta device, the model has shapes but no memory.
    with torch.device('meta'):
        plain = getattr(torchvision.models, f'resnet{depth}')().state_dict()
    plain = {k: v for k, v in plain.items() if not k.startswith(HEADS)}
    missing = [k for k in plain if k not in tensors and not k.endswith('num_batches_tracked')]
    foreign = [k for k in tensors if k not in plain]
    misshapen = [f'{k} {tuple(t.shape)} instead of {tuple(plain[k].shape)}'
                 for k, t in tensors.items() if k in plain and t.shape != plain[k].shape]
    return [f'{len(found)} {what} ({listed(found)})' for what, found in (
        ('tensors missing', missing), ('foreign tensors', foreign),
        ('tensors of another shape', misshapen))
        if found]


def listed(names: list[str], count: int = 3) -> str:
    """Return the first few of ``names`` as text, with the number of the others."""
    more = f', ... {len(names) - count} more' if len(names) > count else ''
    return ', '.join(names[:count]) + more
