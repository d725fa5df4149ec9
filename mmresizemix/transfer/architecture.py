"""The architecture of a backbone: the settings that build it, the tensors that it holds, and how
two of them differ.

No architecture is listed here. The settings come from the config of a checkpoint or of a detector,
and the network that they build says which tensors there are.
"""
import inspect
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Settings that a backbone's weights do not depend on.
OF_A_RUN = frozenset({'init_cfg', 'pretrained', 'frozen_stages', 'norm_eval', 'with_cp',
                      'convert_weights'})
# Settings of training. They change nothing that is computed from finished weights.
OF_TRAINING = OF_A_RUN | {'type', '_scope_', 'drop_path_rate', 'drop_rate', 'attn_drop_rate',
                          'zero_init_residual', 'layer_scale_init_value'}
# Settings by which a detector takes more or fewer outputs of the same backbone, or adds layers
# to it.
OF_DETECTORS = frozenset({
    'out_indices', 'num_stages', 'strides', 'dilations', 'dcn', 'stage_with_dcn', 'plugins', 'sac',
    'stage_with_sac', 'gap_before_final_norm', 'out_type', 'img_size', 'pretrain_img_size',
    'pad_small_map', 'final_norm'})
LARGEST = 20_000  # in settings that a file brings along. Networks have fewer channels and blocks.


class ArchitectureError(ValueError):
    """The error for settings that build no backbone. The message says why."""


def plain_settings(backbone: Any) -> dict[str, Any] | None:
    """Return those settings of a backbone's config that decide its architecture, or None if there
    is no type.

    All are plain values, so that they can be written into a file.
    """
    if not isinstance(backbone, Mapping) or not isinstance(backbone.get('type'), str):
        return None
    return {k: _as_plain(v) for k, v in backbone.items() if k not in OF_A_RUN}


def build_backbone(settings: Mapping[str, Any], scope: str) -> nn.Module:
    """Build the backbone of ``settings``, without weights where that is possible.

    The random streams are left as they were.

    Args:
        settings: its config. What is about its initialisation is left out.
        scope: the package whose registry is asked first, 'mmpretrain' or 'mmdet'.

    Raises:
        ArchitectureError: there is no such backbone, or the settings do not fit it.
    """
    settings = {k: v for k, v in settings.items() if k not in ('init_cfg', 'pretrained')}
    cls = find_class(settings['type'], scope)
    if _largest(settings) > LARGEST:
        raise ArchitectureError(f'backbone: expected numbers up to {LARGEST}, got '
                                f'{_largest(settings)}')
    arguments = {k: v for k, v in settings.items() if k not in ('type', '_scope_')}
    with same_random_numbers():
        # Some networks compute with the numbers of their own construction. They need real tensors.
        for device in ('meta', 'cpu'):
            try:
                with torch.device(device):
                    return cls(**_copied(arguments))
            except Exception as error:  # the settings may come from others, and raise anything
                failure = error
    raise ArchitectureError(f'backbone: {cls.__name__} cannot be built from the settings in the '
                            f'config ({type(failure).__name__}: {failure})')


def find_class(kind: str, scope: str) -> type:
    """Return the class of a backbone by its name in a config.

    Raises:
        ArchitectureError: the name is not that of a backbone of OpenMMLab or of this plugin.
    """
    from importlib import import_module
    package, _, name = kind.rpartition('.')
    packages = [package] if package else [scope, 'mmpretrain', 'mmdet']
    for one in packages:
        if one not in ('mmpretrain', 'mmdet', 'mmresizemix'):
            break
        import_module({'mmresizemix': 'mmresizemix.backbones'}.get(one, f'{one}.models'))
        registry = import_module(f'{one}.registry').MODELS
        cls = registry.module_dict.get(name) or registry.module_dict.get(f'{one}.{name}')
        # A name in a file must not build anything but a backbone.
        if inspect.isclass(cls) and issubclass(cls, nn.Module) and '.backbones' in cls.__module__:
            return cls
    raise ArchitectureError(f'backbone: {kind!r} is no backbone of MMPretrain, MMDetection or '
                            'mmresizemix')


def tensors_of(backbone: nn.Module) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Return the shape of each tensor of ``backbone``, and whether a checkpoint may lack it.

    Counters and tables of indices follow from the settings, and old checkpoints do not have them.
    """
    buffers = {name: b for name, b in backbone.named_buffers() if not b.is_floating_point()}
    return {name: (tuple(t.shape), name in buffers) for name, t in backbone.state_dict().items()}


def facts_of(backbone: nn.Module, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a built backbone by name, with the defaults of its classes."""
    found: dict[str, Any] = {}
    for cls in reversed(type(backbone).__mro__):
        if '__init__' in vars(cls) and issubclass(cls, nn.Module) and cls is not nn.Module:
            parameters = inspect.signature(cls.__init__).parameters.values()
            found.update({p.name: p.default for p in parameters
                          if p.default is not p.empty and p.kind is not p.VAR_KEYWORD})
    found.update(settings)
    # A class such as ResNetV1d hands settings of its own to its parent. The network itself
    # knows them.
    found.update({name: getattr(backbone, name)
                  for name in ('depth', 'style', 'deep_stem', 'avg_down')
                  if isinstance(getattr(backbone, name, None), (str, int, bool))})
    return {k: v for k, v in found.items() if k not in OF_TRAINING | OF_DETECTORS}


def unlike(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings that both have and that differ: name -> (value in ``there``, in
    ``here``)."""
    return {name: (there[name], here[name]) for name in sorted(set(there) & set(here))
            if _comparable(there[name]) != _comparable(here[name])}


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Leave the random streams of Python, NumPy and PyTorch's CPU as they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


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
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _copied(value: Any) -> Any:
    """Copy ``value``, with tuples for lists of numbers, as configs write them."""
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items()}
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
