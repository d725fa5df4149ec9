"""Compare a backbone file with a detector; report each difference with its cause and remedy."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .architecture import OF_DETECTORS as DETECTORS_OWN
from .architecture import (
    ArchitectureError,
    build_backbone,
    facts_of,
    not_finite,
    tensors_of,
    unlike,
)
from .sources import depth_of, has_deep_stem, is_head, listed
from .stamp import Stamp


@dataclass(frozen=True)
class Fit:
    """The result of comparing names, shapes and dtypes.

    Args:
        faults: sentences on what does not fit, the likely cause and its remedy first. Empty if all
            fits.
        left_over: the names of tensors that the backbone rightly does not use: the head of a
            classifier, and what a detector that takes fewer outputs leaves out.
        inside: the tensors of the file under the prefix, by their names without it.
        added: the names of tensors that the detector adds to the backbone, e.g. the norm of an
            output that no classifier has. They start from random weights.
    """
    faults: list[str]
    left_over: list[str]
    inside: dict[str, Tensor]
    added: list[str] = field(default_factory=list)


def fit_names(tensors: Mapping[str, Tensor], backbone: nn.Module, prefix: str | None,
              classifier: frozenset[str] | None = None) -> Fit:
    """Compare the tensors of a file with ``backbone``.

    Args:
        prefix: take only the tensors whose names begin with it, as MMEngine will. None means all.
        classifier: the names of the tensors that the same backbone has in a classifier, or None if
            unknown (see :func:`names_in_a_classifier`).
    """
    # MMEngine would load nothing if the prefix and the names do not match.
    if prefix:
        prefix = prefix if prefix.endswith('.') else f'{prefix}.'
        inside = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
        if not inside:
            return Fit([f"init_cfg has prefix='{prefix}', but no tensor of the file begins with "
                        f'it ({listed([*tensors])}); leave out the prefix'], [], {})
        tensors = inside
    elif any(k.startswith('backbone.') for k in tensors):
        return Fit(["the file's tensors begin with 'backbone.', and init_cfg has no prefix: none "
                    'would be loaded; export the file with tools/export_backbone.py, or set '
                    "model.backbone.init_cfg.prefix='backbone.'"], [], {})
    # Compare the names, then the shapes and dtypes of the tensors that are on both sides. Old files
    # have no counters, which do not change the network.
    expected = backbone.state_dict()
    spare = {name for name, (_, spare) in tensors_of(backbone).items() if spare}
    known = frozenset(expected) if classifier is None else classifier
    added = [k for k in expected if k not in tensors and k not in known]
    left_over = [k for k in tensors if k not in expected and (is_head(k) or k in known)]
    foreign = [k for k in tensors if k not in expected and k not in left_over]
    missing = [k for k in expected if k not in tensors and k not in added and k not in spare]
    other_shape = [f'{k}: {tuple(tensors[k].shape)} in the file, {tuple(t.shape)} in the detector'
                   for k, t in expected.items() if k in tensors and tensors[k].shape != t.shape]
    other_dtype = [f'{k}: {tensors[k].dtype} in the file, {t.dtype} in the detector'
                   for k, t in expected.items() if k in tensors and tensors[k].dtype != t.dtype]
    found = [(missing, 'tensors of the backbone are missing in the file'),
             (foreign, 'tensors of the file have no place in the backbone'),
             (other_shape, 'tensors have another shape'), (other_dtype, 'have another dtype')]
    faults = [f'{len(names)} of {len(expected)} {what} ({listed(names)})'
              for names, what in found if names]
    # A file that holds nothing of the backbone must not pass because a detector adds everything.
    if not faults and not any(k in tensors for k in expected):
        faults.append('no tensor of the backbone is in the file')
    if faults:
        faults.insert(0, _likely_cause(tensors, expected, backbone))
    # Tensors that are left over may hold anything, since they are not loaded.
    used = {k: tensors[k] for k in expected if k in tensors}
    faults += [f'{name} holds NaN or infinite values; use an earlier checkpoint'
               for name in not_finite(used)]
    return Fit(faults, left_over, dict(tensors), added)


def names_in_a_classifier(settings: Mapping[str, Any] | None, scope: str, backbone: nn.Module,
                          stamp: Stamp | None) -> frozenset[str] | None:
    """Return the names of the tensors that the backbone of a detector has in a classifier.

    A classifier takes the last output, and has all stages and nothing that detectors add.

    Args:
        settings: those of the detector's backbone, or None if they are unknown.
        scope: the package of the detector's config.
        stamp: the stamp of the file, which may say what the pretraining took.

    Returns:
        None if such a backbone cannot be built.
    """
    if settings is None:
        return None
    plain = {k: v for k, v in settings.items() if k not in DETECTORS_OWN}
    if hasattr(backbone, 'out_indices'):
        pretrained = (stamp.architecture or {}).get('out_indices') if stamp else None
        last = getattr(backbone, 'num_layers', None) or len(getattr(backbone, 'stages', ())) or 4
        plain['out_indices'] = pretrained if pretrained is not None else (last - 1, )
    try:
        return frozenset(build_backbone(plain, scope).state_dict())
    except ArchitectureError:
        return None


def _likely_cause(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor],
                  backbone: nn.Module) -> str:
    """Say in one sentence why the names or shapes differ."""
    # From the most specific cause to the least specific.
    here = getattr(backbone, 'depth', None)
    if has_deep_stem(tensors) != has_deep_stem(expected):
        side = 'file' if has_deep_stem(tensors) else 'detector'
        return (f'the {side} has a deep stem (ResNetV1c or V1d), the other has none; they must '
                'have the same architecture')
    there = depth_of(tensors)
    if there and here and there != here:
        return (f'another depth: the file holds a ResNet-{there}, the detector a ResNet-{here}; '
                f'set model.backbone.depth={there} or use another file')
    # The architecture has told nothing, so the number of shared names has to.
    shared = [k for k in expected if k in tensors]
    if not shared:
        return ('no tensor of the file has a name that the backbone has; if the file is a '
                'classifier of mmpretrain, torchvision or timm, export it with '
                'tools/export_backbone.py')
    if any(tensors[k].shape != expected[k].shape for k in shared):
        return 'another width or block type: the shapes differ'
    if len(shared) < len(expected):
        return 'the file is incomplete'
    return 'the file holds another architecture'


def fit_stamp(stamp: Stamp, model: nn.Module, settings: Mapping[str, Any] | None = None,
              scope: str = 'mmdet') -> tuple[list[str], list[str]]:
    """Compare a stamp with the architecture of a detector and how it prepares its pictures.

    Args:
        settings: those of the detector's backbone, or None if they are unknown.
        scope: the package of the detector's config.

    Returns:
        A tuple (faults, what could not be proved).
    """
    backbone: Any = model.backbone
    preprocessor = getattr(model, 'data_preprocessor', None)
    faults, unproved = [], []

    def compare(what: str, there: Any, here: Any, setting: str, why: str = '') -> None:
        if there is None or here is None:
            unproved.append(what)
        elif there != here:
            faults.append(f'{what}: {_shown(there)} in pretraining, {_shown(here)} in the detector'
                          f'{why}; set {setting}')

    if stamp.method is None:
        unproved.append('method')
    # The architecture of the backbone. Only a ResNet has a depth and a style.
    is_resnet = hasattr(backbone, 'depth') and hasattr(backbone, 'style')
    if is_resnet:
        compare('depth', stamp.depth, backbone.depth, f'model.backbone.depth={stamp.depth}')
        compare('style', stamp.style, backbone.style, f"model.backbone.style='{stamp.style}'",
                ', where the stride is in another convolution')
    architecture_faults, not_known = _fit_architecture(stamp, backbone, settings or {})
    faults += architecture_faults
    unproved += not_known
    # The normalisation. A std that is much smaller makes the inputs too large.
    if getattr(preprocessor, '_enable_normalize', None) is False and stamp.mean:
        faults.append('the detector does not normalise its pictures, but the pretraining did; '
                      f'set model.data_preprocessor.mean={_shown(stamp.mean)} and '
                      f'std={_shown(stamp.std)}')
    std = _numbers(preprocessor, 'std')
    scale = (f', so that inputs would be about {stamp.std[0] / std[0]:.0f} times too large'
             if stamp.std and std and stamp.std[0] > 5 * std[0] else '')
    compare('mean', _rounded(stamp.mean), _numbers(preprocessor, 'mean'),
            f'model.data_preprocessor.mean={_shown(stamp.mean)}')
    compare('std', _rounded(stamp.std), std,
            f'model.data_preprocessor.std={_shown(stamp.std)}', scale)
    # Detectors read pictures as BGR, and the preprocessor may turn them into RGB.
    channels = getattr(preprocessor, '_channel_conversion', None)
    compare('channel order', stamp.channels, None if channels is None else
            ('RGB' if channels else 'BGR'),
            f'model.data_preprocessor.bgr_to_rgb={stamp.channels == "RGB"}')
    return faults, unproved


def _fit_architecture(stamp: Stamp, backbone: nn.Module,
                      settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Compare the settings that build the two backbones, beyond what their tensors show."""
    if stamp.architecture is None:
        # Stamps of format 1 are of plain ResNets.
        plain = dict(deep_stem=False, avg_down=False) if stamp.depth is not None else None
        there: dict[str, Any] | None = plain
        same = False
    else:
        try:
            built = build_backbone(stamp.architecture, 'mmpretrain')
        except ArchitectureError:
            return [], ['architecture']
        there, same = facts_of(built, stamp.architecture), type(built) is type(backbone)
    if there is None:
        return [], ['architecture']
    faults, unproved = [], []
    for name, (pretrained, here) in unlike(there, facts_of(backbone, settings)).items():
        if name in ('depth', 'style'):
            continue  # compared already
        if not same and (pretrained is None or here is None):
            continue  # None stands for the default of one class. The shapes of the tensors agree.
        # What one class states may be stated otherwise by another. Deep stems and the like may not.
        if same or name in ('deep_stem', 'avg_down'):
            faults.append(f'{name}: {_shown(pretrained)} in pretraining, {_shown(here)} in the '
                          f'detector; set model.backbone.{name}={pretrained!r}')
        else:
            unproved.append(name)
    return faults, unproved


def _numbers(preprocessor: nn.Module | None, name: str) -> tuple[float, ...] | None:
    values = getattr(preprocessor, name, None)
    return _rounded(values.flatten().tolist()) if isinstance(values, Tensor) else None


def _rounded(values: Sequence[float] | None) -> tuple[float, ...] | None:
    """Round to four decimals: the detector keeps float32, and the stamp what the config said."""
    return None if values is None else tuple(round(float(v), 4) for v in values)


def _shown(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def differing(tensors: dict[str, Tensor], backbone: nn.Module) -> list[str]:
    """Return the names of parameters and buffers that are not bit for bit those of the file."""
    return [name for name, value in backbone.state_dict().items()
            if name in tensors and not torch.equal(value.detach().cpu(), tensors[name])]
