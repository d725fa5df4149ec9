"""Find the backbone in the checkpoint of another framework, under the names that MMDetection uses.

A checkpoint of MMPretrain or MMDetection says in its config which network it holds. Others say
nothing, so their network is recognised by the names of its tensors (:data:`NAMINGS`).
"""
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

STAMP_KEY = 'mmresizemix_backbone'  # in an exported file's meta
COUNTERS = ('n_averaged', 'steps')  # of the averaged models of torch and MMEngine
WRAPPERS = ('module', '_orig_mod')  # what DataParallel and torch.compile put into names
# What comes after a backbone, or beside it. Everything else must have its place.
HEADS = ('fc', 'head', 'classifier', 'projector', 'projection_head', 'prediction_head', 'predictor',
         'prototypes', 'neck', 'queue', 'queue_ptr', 'logit_scale', 'mask_token')

# (block, blocks of layer1..layer4) -> depth
DEPTHS: dict[tuple[str, tuple[int, ...]], int] = {
    ('basic', (2, 2, 2, 2)): 18,
    ('basic', (3, 4, 6, 3)): 34,
    ('bottleneck', (3, 4, 6, 3)): 50,
    ('bottleneck', (3, 4, 23, 3)): 101,
    ('bottleneck', (3, 8, 36, 3)): 152,
}


class LayoutError(ValueError):
    """The error for tensors that are not a whole backbone. The message says what they are."""


@dataclass(frozen=True)
class Naming:
    """The names that a framework gives to the tensors of a network.

    Args:
        name: the framework and the network.
        marks: tensors that it has, by which it is recognised. All must be there.
        renames: (pattern, replacement) from its names to those of MMPretrain and MMDetection.
        settings: computes the settings of the backbone from its renamed tensors.
    """
    name: str
    marks: tuple[str, ...]
    renames: 'Renames'
    settings: Callable[[Mapping[str, Tensor]], dict[str, Any]]


@dataclass(frozen=True)
class Backbone:
    """The backbone in a checkpoint.

    Args:
        tensors: its tensors by the names of MMDetection, e.g. ``layer1.0.conv1.weight``.
        layout: whose checkpoint it is: 'mmengine' if its config says the network, 'exported', or
            the name of a :class:`Naming`.
        weights: 'ema' or 'raw' where the checkpoint has both, else 'only'.
        prefix: what was in front of the names.
        settings: the settings that its tensors tell, or None if the checkpoint's config has to.
    """
    tensors: dict[str, Tensor]
    layout: str
    weights: str
    prefix: str = ''
    settings: dict[str, Any] | None = field(default=None)


def read_layout(checkpoint: dict[str, Any], raw: bool = False, prefix: str | None = None,
                expected: Mapping[str, Any] | None = None) -> Backbone:
    """Find the backbone in ``checkpoint``, taking the moving average (EMA) if there is one.

    Args:
        raw: take the raw weights instead of the EMA.
        prefix: take the tensors whose names begin with it. None finds the prefix.
        expected: the tensors of the backbone that the checkpoint's config builds, by name, or None.

    Raises:
        LayoutError: there is no backbone, there are several, or tensors cannot be used.
    """
    state, weights = _choose_weights(checkpoint, raw)
    state = _flat(state)
    check_tensors(state)
    meta = meta_of(checkpoint)
    if STAMP_KEY in meta:
        if prefix is not None:
            raise LayoutError('this file was exported before, and needs no prefix; leave it out')
        inside = {k.removeprefix('backbone.'): v for k, v in state.items()}
        return Backbone(inside, 'exported', weights)
    if expected is not None:
        prefix = 'backbone.' if prefix is None else _with_dot(_plain(prefix))
        inside = {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
        if not inside:
            raise LayoutError(f'no tensor begins with {prefix!r}; the names begin with '
                              f'{_beginnings(state)}')
        return Backbone(inside, 'mmengine', weights, prefix)
    found = _recognised(state, prefix)
    if not found:
        raise LayoutError(_not_recognised(checkpoint, state, prefix))
    if len(found) > 1:
        raise LayoutError('several backbones, whose names begin with '
                          f'{", ".join(repr(p) for p, _ in found)}; choose one with --prefix')
    [(prefix, naming)] = found
    tensors = {renamed: v for k, v in state.items() if k.startswith(prefix)
               and (renamed := _renamed(k[len(prefix):], naming)) is not None}
    return Backbone(tensors, naming.name, weights, prefix, naming.settings(tensors))


def meta_of(checkpoint: dict[str, Any]) -> dict:
    """Return the ``meta`` of a checkpoint, or {} if it has none."""
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, dict) else {}


def is_head(name: str) -> bool:
    """Whether the tensor ``name`` belongs to what follows a backbone."""
    return name.split('.')[0] in HEADS


def listed(names: list[str], count: int = 3) -> str:
    """Return the first few of ``names`` as text, with the number of the others."""
    more = f', ... {len(names) - count} more' if len(names) > count else ''
    return ', '.join(names[:count]) + more


# The weights


def _choose_weights(checkpoint: dict[str, Any], raw: bool) -> tuple[dict, str]:
    """Choose the weights by where the frameworks keep them; return (tensors, which).

    The second value is 'ema' or 'raw' if the checkpoint has both, else 'only'.
    """
    state = checkpoint.get('state_dict')
    if isinstance(checkpoint.get('ema_state_dict'), dict) and isinstance(state, dict):
        # MMEngine's EMAHook swaps both before it saves: state_dict holds the EMA, and
        # ema_state_dict['module.*'] holds the raw weights.
        if not raw:
            return state, 'ema'
        return {k: v for k, v in checkpoint['ema_state_dict'].items()
                if str(k).startswith('module.')}, 'raw'
    # timm uses the first pair of names, and torchvision's references use the second.
    for plain, average in (('state_dict', 'state_dict_ema'), ('model', 'model_ema')):
        if isinstance(checkpoint.get(average), dict) and isinstance(checkpoint.get(plain), dict):
            return (checkpoint[plain], 'raw') if raw else (checkpoint[average], 'ema')
    if raw:
        raise LayoutError('raw weights were asked for, but the checkpoint has no moving average; '
                          'leave out --raw')
    for name in ('state_dict', 'model'):
        if isinstance(checkpoint.get(name), dict):
            return checkpoint[name], 'only'
    return checkpoint, 'only'


def _flat(state: Mapping[Any, Any], before: str = '', depth: int = 2) -> dict[str, Tensor]:
    """Return the tensors by dotted names, without wrappers. DINO keeps a 'teacher' and a 'student'
    in dicts."""
    flat: dict[str, Tensor] = {}
    for key, value in state.items():
        name = _plain(f'{before}{key}')
        more = {}
        if isinstance(value, Tensor) and name not in COUNTERS:
            more = {name: value}
        elif isinstance(value, Mapping) and depth and key not in (
                'optimizer', 'meta', 'message_hub'):
            more = _flat(value, f'{name}.' if name else '', depth - 1)
        twice = [name for name in more if name in flat]
        if twice:
            raise LayoutError(f'two tensors have the name {twice[0]!r} without {WRAPPERS}; save '
                              'one model')
        flat.update(more)
    return flat


def _plain(name: str) -> str:
    """Return a name without wrappers."""
    return '.'.join(part for part in name.split('.') if part not in WRAPPERS)


def check_tensors(state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that a backbone cannot have, before anything is computed from them."""
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != 'cpu':
            kind = ('quantised' if tensor.is_quantized else
                    'empty (on the meta device)' if tensor.device.type == 'meta' else
                    f'of the layout {tensor.layout}')
            raise LayoutError(f'{name} is {kind}; save plain, dense tensors')
        if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
            raise LayoutError(f'{name} claims {tuple(tensor.shape)} but holds '
                              f'{tensor.untyped_storage().nbytes()} bytes; save it with '
                              '.contiguous()')


# The names


def _with_dot(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith('.') else f'{prefix}.'


def _recognised(state: Mapping[str, Tensor], prefix: str | None) -> list[tuple[str, Naming]]:
    """Return the (prefix, naming) of each backbone in ``state``."""
    found = []
    if prefix is not None:
        prefix = _plain(prefix).rstrip('.')
    for naming in NAMINGS:
        first = naming.marks[0]
        for name in state:
            if name == first or name.endswith(f'.{first}'):
                before = name[:len(name) - len(first)]
                if all(before + mark in state for mark in naming.marks) and prefix in (
                        None, before[:-1]):
                    found.append((before, naming))
    return found


def _renamed(name: str, naming: Naming) -> str | None:
    for pattern, replacement in naming.renames:
        name = re.sub(pattern, replacement, name)
    return name or None


def _not_recognised(checkpoint: Mapping, state: Mapping[str, Tensor], prefix: str | None) -> str:
    if not state:
        return f'no tensors; the top-level keys are {[str(k) for k in checkpoint][:8]}'
    if prefix is not None:
        return (f'no backbone whose names begin with {prefix!r}; the names begin with '
                f'{_beginnings(state)}')
    return (f'tensors of no network that is known by its names alone, such as {listed([*state])}; '
            'name a config that builds it with --config')


def _beginnings(state: Mapping[str, Tensor]) -> str:
    found = list(dict.fromkeys('.'.join(name.split('.')[:2]) for name in state))
    return listed(found, 6)


# The networks that are recognised


def depth_of(tensors: Mapping[str, Any]) -> int | None:
    """Return the depth of a ResNet by its numbers of blocks, or None if no ResNet has these."""
    blocks = tuple(
        len({name.split('.')[1] for name in tensors if name.startswith(f'layer{stage}.')})
        for stage in (1, 2, 3, 4))
    kind = 'bottleneck' if 'layer1.0.conv3.weight' in tensors else 'basic'
    return DEPTHS.get((kind, blocks))


def has_deep_stem(tensors: Mapping[str, Any]) -> bool:
    """Whether the stem consists of three 3x3 convolutions."""
    return any(name.startswith('stem.') for name in tensors)


def _resnet_settings(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the settings of MMPretrain's ResNet or ResNeXt that the tensors tell: everything but
    the style."""
    depth = depth_of(tensors)
    if depth is None:
        raise LayoutError('blocks of no known ResNet (18, 34, 50, 101, 152): is the file complete?')
    first = next((tensors[name] for name in ('stem.6.weight', 'stem.2.conv.weight', 'conv1.weight')
                  if name in tensors), None)
    conv2 = tensors.get('layer1.0.conv2.weight')
    if first is None or conv2 is None or first.dim() != 4 or conv2.dim() != 4:
        raise LayoutError('a ResNet without a first convolution: is the file complete?')
    width, groups = conv2.shape[0], conv2.shape[0] // max(conv2.shape[1], 1)
    settings: dict[str, Any] = dict(type='ResNet', depth=depth)
    if groups > 1:
        settings.update(type='ResNeXt', groups=groups, width_per_group=width // groups)
    elif depth >= 50 and width != _out_channels(tensors) // 4:
        raise LayoutError(f'a wide ResNet ({width} channels in layer1), which neither MMPretrain '
                          'nor MMDetection has')
    elif width != 64:
        settings.update(base_channels=width)
    if first.shape[0] != 64:
        settings.update(stem_channels=first.shape[0])
    if has_deep_stem(tensors):
        settings.update(deep_stem=True)
    # The average is pooled first, so that the convolution of a shortcut is at the second place.
    if getattr(tensors.get('layer2.0.downsample.1.weight'), 'ndim', 1) == 4:
        settings.update(avg_down=True)
    return settings


def _out_channels(tensors: Mapping[str, Tensor]) -> int:
    conv3 = tensors.get('layer1.0.conv3.weight')
    return 0 if conv3 is None else conv3.shape[0]


def _convnext_settings(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    depths, channels = [], []
    for stage in range(4):
        blocks = {name.split('.')[2] for name in tensors
                  if re.match(rf'stages\.{stage}\.\d+\.', name)}
        kernel = tensors.get(f'stages.{stage}.0.depthwise_conv.weight')
        if kernel is None:
            raise LayoutError(f'a ConvNeXt without stage {stage}: is the file complete?')
        depths.append(len(blocks))
        channels.append(kernel.shape[0])
    settings: dict[str, Any] = dict(type='ConvNeXt', arch=dict(depths=depths, channels=channels))
    if any('.grn.' in name for name in tensors):  # ConvNeXt V2
        settings.update(use_grn=True, layer_scale_init_value=0.)
    if getattr(tensors.get('stages.0.0.pointwise_conv1.weight'), 'ndim', 2) == 4:
        settings.update(linear_pw_conv=False)
    return settings


Renames = tuple[tuple[str, str | Callable[[re.Match], str]], ...]

# timm numbers the layers of a deep stem inside 'conv1', and calls its last norm 'bn1'.
_DEEP_STEM: Renames = ((r'^conv1\.(\d)\.', r'stem.\1.'), (r'^bn1\.', 'stem.7.'))
_HF_RESNET: Renames = (
    (r'^embedder\.embedder\.convolution\.', 'conv1.'),
    (r'^embedder\.embedder\.normalization\.', 'bn1.'),
    (r'^encoder\.stages\.(\d)\.layers\.(\d+)\.', lambda m: f'layer{int(m[1]) + 1}.{m[2]}.'),
    (r'\.shortcut\.convolution\.', '.downsample.0.'),
    (r'\.shortcut\.normalization\.', '.downsample.1.'),
    (r'\.layer\.(\d)\.convolution\.', lambda m: f'.conv{int(m[1]) + 1}.'),
    (r'\.layer\.(\d)\.normalization\.', lambda m: f'.bn{int(m[1]) + 1}.'))
# lightly keeps the children of a ResNet in a Sequential: conv1, bn1, relu, maxpool, layer1
# to layer4.
_IN_SEQUENCE: Renames = (
    (r'^0\.', 'conv1.'), (r'^1\.', 'bn1.'),
    (r'^([4-7])\.', lambda m: f'layer{int(m[1]) - 3}.'))
_CONVNEXT: Renames = (
    (r'\.dwconv\.', '.depthwise_conv.'), (r'\.pwconv(\d)\.', r'.pointwise_conv\1.'),
    (r'^norm\.', 'norm3.'))
_TIMM_CONVNEXT: Renames = (
    (r'^stem\.(\d)\.', r'downsample_layers.0.\1.'),
    (r'^stages\.(\d)\.downsample\.', r'downsample_layers.\1.'),
    (r'^stages\.(\d)\.blocks\.', r'stages.\1.'), (r'\.conv_dw\.', '.depthwise_conv.'),
    (r'\.mlp\.fc(\d)\.', r'.pointwise_conv\1.'), (r'\.mlp\.grn\.weight$', '.grn.gamma'),
    (r'\.mlp\.grn\.bias$', '.grn.beta'), (r'^head\.norm\.', 'norm3.'),
    (r'^norm_pre\.', 'norm3.'))
_TORCHVISION_CONVNEXT: Renames = (
    (r'^features\.0\.(\d)\.(?:0\.)?', r'downsample_layers.0.\1.'),
    (r'^features\.([246])\.(\d)\.', lambda m: f'downsample_layers.{int(m[1]) // 2}.{m[2]}.'),
    (r'^features\.([1357])\.(\d+)\.', lambda m: f'stages.{int(m[1]) // 2}.{m[2]}.'),
    (r'\.block\.0\.', '.depthwise_conv.'), (r'\.block\.2\.', '.norm.'),
    (r'\.block\.3\.', '.pointwise_conv1.'), (r'\.block\.5\.', '.pointwise_conv2.'),
    (r'\.layer_scale$', '.gamma'), (r'^classifier\.0\.', 'norm3.'))
_HF_CONVNEXT: Renames = (
    (r'^embeddings\.patch_embeddings\.', 'downsample_layers.0.0.'),
    (r'^embeddings\.layernorm\.', 'downsample_layers.0.1.'),
    (r'^encoder\.stages\.(\d)\.downsampling_layer\.', r'downsample_layers.\1.'),
    (r'^encoder\.stages\.(\d)\.layers\.', r'stages.\1.'), (r'\.dwconv\.', '.depthwise_conv.'),
    (r'\.pwconv(\d)\.', r'.pointwise_conv\1.'), (r'\.layernorm\.', '.norm.'),
    (r'\.layer_scale_parameter$', '.gamma'), (r'\.grn\.weight$', '.grn.gamma'),
    (r'\.grn\.bias$', '.grn.beta'), (r'^layernorm\.', 'norm3.'))
NAMINGS = (
    Naming('torchvision or timm ResNet',
           ('layer1.0.conv1.weight', 'conv1.weight'), (), _resnet_settings),
    Naming('timm ResNet with a deep stem',
           ('layer1.0.conv1.weight', 'conv1.0.weight'), _DEEP_STEM, _resnet_settings),
    Naming('MMPretrain ResNet with a deep stem',
           ('layer1.0.conv1.weight', 'stem.0.conv.weight'), (), _resnet_settings),
    Naming('MMDetection ResNet with a deep stem',
           ('layer1.0.conv1.weight', 'stem.0.weight'), (), _resnet_settings),
    Naming('Hugging Face ResNet',
           ('embedder.embedder.convolution.weight', ), _HF_RESNET, _resnet_settings),
    Naming('ResNet in sequence',
           ('0.weight', '4.0.conv1.weight'), _IN_SEQUENCE, _resnet_settings),
    Naming('ConvNeXt',
           ('downsample_layers.0.0.weight', 'stages.0.0.dwconv.weight'),
           _CONVNEXT, _convnext_settings),
    Naming('torchvision ConvNeXt',
           ('features.0.0.weight', 'features.1.0.block.0.weight'),
           _TORCHVISION_CONVNEXT, _convnext_settings),
    Naming('timm ConvNeXt',
           ('stem.0.weight', 'stages.0.blocks.0.conv_dw.weight'),
           _TIMM_CONVNEXT, _convnext_settings),
    Naming('Hugging Face ConvNeXt',
           ('embeddings.patch_embeddings.weight', 'encoder.stages.0.layers.0.dwconv.weight'),
           _HF_CONVNEXT, _convnext_settings),
)
