"""Compare a backbone file with a detector; report each difference with its cause and remedy."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from mmcv.cnn import is_norm
from torch import Tensor, nn

from .architecture import (
    OF_ADDED_LAYERS,
    OF_DETECTORS,
    ArchitectureError,
    all_settings,
    build_backbone,
    defaults,
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


@dataclass(frozen=True)
class InAClassifier:
    """The backbone of a detector as a classifier has it.

    Args:
        names: the names of its tensors there.
        added: the names of the tensors that the detector adds: the norms of further outputs, and
            the layers of deformable convolutions and plugins. A whole stage is never among them.
    """
    names: frozenset[str]
    added: frozenset[str]


def fit_names(tensors: Mapping[str, Tensor], backbone: nn.Module, prefix: str | None,
              classifier: InAClassifier | None = None) -> Fit:
    """Compare the tensors of a file with ``backbone``.

    Args:
        prefix: take only the tensors whose names begin with it, as MMEngine will. None means all.
        classifier: the same backbone in a classifier, or None if unknown.
    """
    # MMEngine would load nothing if the prefix and the names do not match.
    if prefix is not None:
        prefix = prefix if prefix.endswith('.') else f'{prefix}.'
        inside = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
        if not inside:
            return Fit([f"init_cfg has prefix='{prefix}', but no tensor of the file begins with "
                        f'it ({listed([*tensors])}); leave out the prefix'], [], {})
        tensors = inside
    else:
        tensors = {k.removeprefix('module.'): v for k, v in tensors.items()}
    if prefix is None and any(k.startswith('backbone.') for k in tensors):
        return Fit(["the file's tensors begin with 'backbone.', and init_cfg has no prefix: none "
                    'would be loaded; export the file with tools/export_backbone.py, or set '
                    "model.backbone.init_cfg.prefix='backbone.'"], [], {})
    # Compare the names, then the shapes and dtypes of the tensors that are on both sides. Old files
    # have no counters, which do not change the network.
    expected = backbone.state_dict()
    spare = {name for name, (_, spare) in tensors_of(backbone).items() if spare}
    known = frozenset(expected) if classifier is None else classifier.names
    new = frozenset() if classifier is None else classifier.added
    added = [k for k in expected if k not in tensors and k in new]
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


def in_a_classifier(settings: Mapping[str, Any] | None, scope: str, backbone: nn.Module,
                    stamp: Stamp | None) -> InAClassifier | None:
    """Compare the backbone of a detector with the same backbone in a classifier.

    A classifier takes the outputs that its class takes if nothing is said, and of these the last
    one. It has all stages, and nothing that detectors add.

    Args:
        settings: those of the detector's backbone, or None if they are unknown.
        scope: the package of the detector's config.
        stamp: the stamp of the file, which may say what the pretraining took.

    Returns:
        None if such a backbone cannot be built.
    """
    if settings is None:
        return None
    plain = {k: v for k, v in settings.items() if k not in OF_DETECTORS}
    pretrained = (stamp.architecture or {}).get('out_indices') if stamp else None
    usual = pretrained or defaults(type(backbone)).get('out_indices') or getattr(
        backbone, 'out_indices', None)
    if isinstance(usual, (list, tuple)):
        plain['out_indices'] = usual if pretrained else (max(usual), )
    try:
        names = frozenset(build_backbone(plain, scope, trusted=True).state_dict())
        # With the same outputs and without the added layers, no stage can be missing.
        bare = {k: v for k, v in settings.items() if k not in OF_ADDED_LAYERS}
        without = frozenset(build_backbone(bare, scope, trusted=True).state_dict())
    except ArchitectureError:
        return None
    norms = {f'{child}.{name}' for child, module in backbone.named_children() if is_norm(module)
             for name in module.state_dict()}
    return InAClassifier(names, frozenset(
        name for name in backbone.state_dict()
        if name not in names and (name in norms or name not in without)))


def _likely_cause(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor],
                  backbone: nn.Module) -> str:
    """Say in one sentence why the names or shapes differ."""
    # From the most specific cause to the least specific.
    here = getattr(backbone, 'depth', None)
    if has_deep_stem(tensors) != has_deep_stem(expected):
        side = 'file' if has_deep_stem(tensors) else 'detector'
        return (f'the {side} has a deep stem (ResNetV1c or V1d), the other has none; they must '
                'have the same architecture')
    stems = ['stem.0.conv.weight' in names for names in (tensors, expected)]
    if has_deep_stem(expected) and stems[0] != stems[1]:
        return ("the deep stem has MMPretrain's names in the file, and the detector's backbone is "
                "MMDetection's class; export the file with tools/export_backbone.py" if stems[0]
                else "the deep stem has MMDetection's names in the file, and the detector's "
                f"backbone is MMPretrain's {type(backbone).__name__}; use MMDetection's class of a "
                "deep stem, or the checkpoint that was exported with prefix='backbone.'")
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
        # A basic block has one place for its stride.
        if any(name.endswith('.conv3.weight') for name in backbone.state_dict()):
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
        there, same = all_settings(built, stamp.architecture), type(built) is type(backbone)
    if there is None:
        return [], ['architecture']
    faults, unproved = [], []
    for name, (pretrained, here) in unlike(there, all_settings(backbone, settings)).items():
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
