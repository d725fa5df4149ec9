"""The architecture of a backbone: the settings that build it, the tensors that it holds, and how
two of them differ.

No architecture is listed here. The settings come from the config of a checkpoint or of a detector,
and the network that they build says which tensors there are.
"""
import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..openmmlab.random_streams import same_random_numbers

# Settings that a backbone's weights do not depend on.
OF_A_RUN = frozenset({'init_cfg', 'pretrained', 'frozen_stages', 'norm_eval', 'with_cp',
                      'convert_weights'})
# Settings of training. They change nothing that is computed from finished weights.
OF_TRAINING = OF_A_RUN | {'type', '_scope_', 'drop_path_rate', 'drop_rate', 'attn_drop_rate',
                          'zero_init_residual', 'layer_scale_init_value'}
# Settings by which a detector adds layers to the outputs that a backbone has.
OF_ADDED_LAYERS = frozenset({'dcn', 'stage_with_dcn', 'plugins', 'sac', 'stage_with_sac'})
# Settings by which a detector takes more or fewer outputs of the same backbone, or adds layers
# to it.
OF_DETECTORS = OF_ADDED_LAYERS | {
    'out_indices', 'num_stages', 'strides', 'dilations', 'gap_before_final_norm', 'out_type',
    'img_size', 'pretrain_img_size', 'pad_small_map', 'final_norm'}
# Networks have fewer channels and blocks, fewer tensors, and fewer parameters.
LARGEST, MOST_TENSORS, MOST_PARAMETERS = 20_000, 10_000, 4_000_000_000
PACKAGES = {'mmpretrain': 'mmpretrain.models', 'mmdet': 'mmdet.models',
            'mmresizemix': 'mmresizemix.backbones'}
# Where the layers that a config may name come from.
LAYERS = ('torch.nn.', 'mmcv.', 'mmpretrain.models.utils.', 'mmpretrain.models.backbones.',
          'mmdet.models.layers.', 'mmdet.models.backbones.', 'mmresizemix.')


class ArchitectureError(ValueError):
    """The error for settings that build no backbone. The message says why."""


def plain_settings(backbone: Any) -> dict[str, Any] | None:
    """Return those settings of a backbone's config that decide its architecture, or None if there
    is no type.

    All are plain values, so that they can be written into a file.
    """
    if not isinstance(backbone, Mapping) or not isinstance(backbone.get('type'), (str, type)):
        return None
    return {k: _as_plain(v) for k, v in backbone.items() if k not in OF_A_RUN}


def build_backbone(settings: Mapping[str, Any], scope: str, trusted: bool = False) -> nn.Module:
    """Build the backbone of ``settings`` on the meta device, without weights and without their
    memory.

    The random streams are left as they were.

    Args:
        settings: its config. What is about its initialisation is left out.
        scope: the package whose registry is asked first, 'mmpretrain' or 'mmdet'.
        trusted: whether the settings are the user's own, and may name any layer. Those in a file
            may name registered layers of known packages only, so that nothing else is called.

    Raises:
        ArchitectureError: there is no such backbone or layer, or the settings do not fit it.
    """
    cls = find_class(settings['type'], scope)
    arguments = {k: v for k, v in settings.items() if k not in ('type', '_scope_')}
    if _largest(arguments) > LARGEST:
        raise ArchitectureError(f'backbone: expected numbers up to {LARGEST}, got '
                                f'{_largest(arguments)}')
    if not trusted:
        _check_layers(arguments)
    arguments = _copied(arguments)
    with same_random_numbers():
        try:
            with torch.device('meta'), _WithinLimits():
                return cls(**arguments)
        except ArchitectureError:
            raise
        except Exception as error:  # the settings may come from others, and raise anything
            failure = ' '.join(f'{type(error).__name__}: {error}'.split())
    raise ArchitectureError(f'backbone: {cls.__name__} cannot be built from the settings in the '
                            f'config ({failure})')


class _WithinLimits(TorchFunctionMode):
    """Count what a network is made of while it is built on the meta device, and refuse too much."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors = self.parameters = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        # Some networks read the numbers that these hold. They need real tensors.
        if func in (torch.linspace, torch.tensor):
            kwargs.setdefault('device', 'cpu')
        result = func(*args, **kwargs)
        if func in (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full):
            self.tensors += 1
            self.parameters += result.numel()
        if (self.tensors > MOST_TENSORS or self.parameters > MOST_PARAMETERS
                or (func is torch.linspace and result.numel() > LARGEST)):
            raise ArchitectureError('backbone: the settings in the config build a network of more '
                                    f'than {MOST_TENSORS} tensors or {MOST_PARAMETERS} parameters')
        return result


def find_class(kind: str, scope: str) -> type:
    """Return the class of a backbone by its name in a config, with or without its package:
    'ResNet', 'mmdet.ResNet', 'mmpretrain.models.backbones.ResNet'.

    Raises:
        ArchitectureError: the name is not that of a backbone of OpenMMLab or of this plugin.
    """
    package, name = kind.partition('.')[0], kind.rpartition('.')[2]
    # Older and newer names of a scope, or none, lead to MMPretrain.
    for one in [package] if '.' in kind else [scope, *PACKAGES]:
        cls = _registered(one, name) if one in PACKAGES else None
        if cls is not None and _is_backbone(cls):
            return cls
    raise ArchitectureError(f'backbone: {kind[:80]!r} is no backbone of MMPretrain, MMDetection or '
                            'mmresizemix')


def _registered(package: str, name: str) -> type | None:
    """Return the module that ``package`` has registered as ``name``, or None."""
    if package in PACKAGES:
        import_module(PACKAGES[package])
    found = import_module(f'{package}.registry').MODELS.module_dict
    cls = found.get(name) or found.get(f'{package}.{name}')
    return cls if inspect.isclass(cls) and issubclass(cls, nn.Module) else None


def _is_backbone(cls: type) -> bool:
    # A name in a file must not build anything else, and nothing that reads files by itself.
    if cls.__module__.startswith('mmpretrain.models.selfsup.'):
        from mmpretrain.models.backbones.base_backbone import BaseBackbone
        return issubclass(cls, BaseBackbone)
    return '.backbones' in cls.__module__ and not cls.__module__.endswith('.timm_backbone')


def _check_layers(value: Any) -> None:
    """Check that settings that may come from others name nothing but layers."""
    if isinstance(value, Mapping):
        if 'type' in value or '_scope_' in value:
            _check_layer(value.get('type'), value.get('_scope_'))
        for name, one in value.items():
            if name not in ('type', '_scope_', 'init_cfg', 'pretrained') and not (
                    name == 'arch' and isinstance(one, str)):
                _check_layers(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _check_layers(one)
    # Some classes make a type out of a name that they are given.
    elif isinstance(value, str) and not re.fullmatch(r'[\w +-]*', value):
        raise ArchitectureError(f'backbone: {value[:80]!r} in the settings is no plain name')


def _check_layer(kind: Any, scope: Any) -> None:
    """Check that a type inside the settings of a backbone is a registered layer.

    MMEngine would import and call whatever else the type names.
    """
    package, _, name = kind.rpartition('.') if isinstance(kind, str) else ('', '', '')
    packages = ('mmengine', *PACKAGES)
    if re.fullmatch(r'\w+', name) and package in ('', 'mmcv', *packages) and scope in (
            None, 'mmcv', *packages):
        for one in packages:
            cls = _registered(one, name)
            if cls is not None and f'{cls.__module__}.'.startswith(LAYERS) and not (
                    cls.__module__.endswith('.timm_backbone')):
                return
    raise ArchitectureError(f'backbone: {str(kind)[:80]!r} in the settings is no layer of mmcv, '
                            'MMPretrain, MMDetection or mmresizemix')


def tensors_of(backbone: nn.Module) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Return the shape of each tensor of ``backbone``, and whether a checkpoint may lack it.

    Counters and tables of indices follow from the settings, and old checkpoints do not have them.
    """
    buffers = {name: b for name, b in backbone.named_buffers() if not b.is_floating_point()}
    return {name: (tuple(t.shape), name in buffers) for name, t in backbone.state_dict().items()}


def all_settings(backbone: nn.Module, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a built backbone by name, with the defaults of its classes."""
    found = {**defaults(type(backbone)), **settings}
    # A class such as ResNetV1d hands settings of its own to its parent. The network itself
    # knows them.
    found.update({name: getattr(backbone, name)
                  for name in ('depth', 'style', 'deep_stem', 'avg_down')
                  if isinstance(getattr(backbone, name, None), (str, int, bool))})
    if 'arch' in found:
        found['arch'] = _spelled_out(backbone, found['arch'])
    return {k: v for k, v in found.items() if k not in OF_TRAINING | OF_DETECTORS}


def defaults(kind: type) -> dict[str, Any]:
    """Return the settings of a class that a config need not give, with their values."""
    found: dict[str, Any] = {}
    for cls in reversed(kind.__mro__):
        if '__init__' in vars(cls) and issubclass(cls, nn.Module) and cls is not nn.Module:
            parameters = inspect.signature(cls.__init__).parameters.values()
            found.update({p.name: p.default for p in parameters
                          if p.default is not p.empty and p.kind is not p.VAR_KEYWORD})
    return found


def _spelled_out(backbone: Any, arch: Any) -> Any:
    """Return the settings behind the name of an architecture, such as 'tiny', where its class has
    them."""
    for table in ('arch_zoo', 'arch_settings'):
        known = getattr(type(backbone), table, None)
        if isinstance(known, Mapping) and isinstance(arch, str):
            arch = known.get(arch, known.get(arch.lower(), arch))
    return arch


def unlike(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings that both have and that differ: name -> (value in ``there``, in
    ``here``)."""
    return {name: (there[name], here[name]) for name in sorted(set(there) & set(here))
            if _comparable(there[name]) != _comparable(here[name])}


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        # Whether a norm is trained, and over how many processes it averages, are settings
        # of training.
        value = {k: _comparable(v) for k, v in value.items()
                 if k not in ('requires_grad', '_scope_')}
        return ({**value, 'type': 'BN'} if value.get('type') in ('SyncBN', 'MMSyncBN', 'BN2d')
                else value)
    return [_comparable(v) for v in value] if isinstance(value, (list, tuple)) else value


def _as_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _as_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_plain(v) for v in value]
    if inspect.isclass(value):  # as MMEngine itself writes a class into a config
        return f'{value.__module__}.{value.__name__}'
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _copied(value: Any) -> Any:
    """Copy ``value``, with tuples for lists of numbers, as configs write them, and without what
    loads a file."""
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items() if k not in ('init_cfg', 'pretrained')}
    if isinstance(value, (list, tuple)):
        items = [_copied(v) for v in value]
        return tuple(items) if all(isinstance(v, (int, float, bool)) for v in items) else items
    return value


def _largest(value: Any) -> float:
    if isinstance(value, Mapping):
        return max(map(_largest, value.values()), default=0)
    if isinstance(value, (list, tuple)):
        return max(len(value), *map(_largest, value)) if value else 0
    return abs(value) if isinstance(value, (int, float)) else 0


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of tensors that hold NaN or infinite values."""
    return [name for name, t in tensors.items()
            if t.is_floating_point() and not torch.isfinite(t).all()]
