"""Export the backbone of a classifier to a file that is safe to share and says what it is."""
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..files import file_sha256, whole_file
from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from ..runs.config_text import read_config_text
from ..runs.method_name import BASELINE, PLAIN
from .architecture import (
    all_settings,
    build_backbone,
    not_finite,
    plain_settings,
    tensors_of,
)
from .sources import STAMP_KEY, Backbone, LayoutError, is_head, listed, meta_of, read_layout
from .stamp import (
    CONFIG,
    DIGEST,
    GIVEN,
    RECIPES,
    TENSORS,
    Stamp,
    digest,
    facts_of_config,
    facts_of_published,
    has_style,
    printable,
    top1_of_run,
)

RESNETS = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'ResNeXt')  # MMDetection has them, too
# What reading the odd things in a damaged or malicious file can raise.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
              ValueError)
# Names whose meaning is not the user's.
METHODS = {BASELINE, *PLAIN, *(f'{name}-persample' for name in PLAIN)}


@dataclass(frozen=True)
class Source:
    """Where the architecture of a checkpoint comes from: the settings of its backbone, their
    package, and the backbone that they build, without weights."""
    settings: dict[str, Any]
    scope: str
    network: nn.Module


def export_backbone(checkpoint: str | Path, out: str | Path, *, method: str | None = None,
                    raw: bool = False, top1: float | None = None, prefix: str | None = None,
                    recipe: str | None = None, config: Mapping[str, Any] | None = None,
                    add_prefix: bool = False) -> Stamp:
    """Write the backbone of a checkpoint as plain tensors with a :class:`Stamp`.

    The file holds ``dict(meta=..., state_dict=...)`` with the names of MMDetection, and loads with
    ``weights_only=True``. MMDetection reads it by
    ``init_cfg=dict(type='Pretrained', checkpoint=out)``, without a prefix.

    The stamp says only what is proved: by the config in the checkpoint, by its digest if it is a
    file that torchvision publishes, by its tensors, or by what is given here.

    Args:
        checkpoint: a checkpoint of MMPretrain or MMDetection, of another framework if its ResNet or
            ConvNeXt has names that are known here, or a file exported before.
        out: the file to write.
        method: the name of the pretraining. It is read from the config in the checkpoint if None.
        raw: take the raw weights if the checkpoint also has a moving average (EMA) of them.
        top1: the accuracy in percent. It is read from the log of the run if None.
        prefix: what is in front of the backbone's names. It is found if None.
        recipe: a key of :data:`~mmresizemix.transfer.stamp.RECIPES`: how the pictures were prepared
            and where the strides are, if the checkpoint does not say it.
        config: a config whose ``model.backbone`` is the one in the checkpoint, if the checkpoint
            does not say it.
        add_prefix: write names that begin with ``backbone.``, for backbones that read a file by
            themselves and take no other names, such as MMDetection's SwinTransformer.

    Raises:
        CheckpointError: the file cannot be read safely, or does not hold one whole backbone.
        ValueError: ``out`` is the checkpoint, ``top1`` is no percentage, or ``method`` or
            ``recipe`` contradicts the config in the checkpoint.
    """
    path, out = Path(checkpoint).expanduser(), Path(out).expanduser()
    if os.path.realpath(out) == os.path.realpath(path):
        raise ValueError(f'out: {out} is the checkpoint itself; give another name')
    if top1 is not None and not 0 <= top1 <= 100:
        raise ValueError(f'top1: expected a percentage in 0..100, got {top1}')
    if method is not None and not (method and method == printable(method)):
        raise ValueError(f'method: expected a short text without special characters, got '
                         f'{method[:80]!r}')
    if recipe is not None and recipe not in RECIPES:
        raise ValueError(f'recipe: expected one of {", ".join(RECIPES)}, got {recipe!r}')
    content = load_checkpoint(path)
    # Read the weights under the names of MMDetection. Anything but a whole backbone is refused.
    try:
        stamp, tensors = _read(path, content, raw, prefix, config)
    except UNREADABLE as error:
        raise CheckpointError(f'{path}: {told(error)}') from None
    stamp = _with_given(stamp, path, method, recipe, top1)
    stamp = replace(stamp, digest=digest(tensors))
    Stamp.from_dict(stamp.to_dict())  # nothing is written that a reader would refuse
    names = {f'backbone.{k}': v for k, v in tensors.items()} if add_prefix else tensors
    _write(out, dict(meta={STAMP_KEY: stamp.to_dict()}, state_dict=names))
    return stamp


def _read(path: Path, content: dict[str, Any], raw: bool, prefix: str | None,
          config: Mapping[str, Any] | None) -> tuple[Stamp, dict[str, Tensor]]:
    """Return the stamp, except its digest, and the tensors of the backbone in ``content``."""
    before = stamp_of(content)
    if before and config:
        raise LayoutError('this file was exported before, and needs no config; leave it out')
    source = _source(content, config)
    expected = tensors_of(source.network) if source else None
    backbone = read_layout(content, raw, prefix, expected)
    if not source and backbone.settings:
        source = _built(backbone.settings, 'mmpretrain')
        expected = tensors_of(source.network)
    tensors = _whole(_named_as_in_mmdetection(backbone.tensors, source),
                     _named_as_in_mmdetection(expected, source) if expected else None)
    _check_arch(content, backbone)
    # A file that was exported before keeps its facts, if its tensors are the exported ones.
    if before and before.digest != digest(tensors):
        raise LayoutError('the tensors are not those that were exported (their digest differs); '
                          'export the checkpoint that it was made from')
    return before or _stamp(path, content, backbone, source), tensors


def told(error: Exception) -> str:
    """Return what is wrong with a file in one line, by the error of reading it."""
    known = isinstance(error, ValueError)
    text = ' '.join(str(error).split())[:1000]
    return text if known else f'cannot be read as a checkpoint ({type(error).__name__}: {text})'


def stamp_of(content: dict[str, Any]) -> Stamp | None:
    """Return the stamp in the content of a file, or None if it has none.

    Raises:
        ValueError: the stamp is damaged or has an unknown format.
    """
    meta = meta_of(content)
    return Stamp.from_dict(meta[STAMP_KEY]) if STAMP_KEY in meta else None


def exported_tensors(content: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of an exported file by the names of the backbone, without
    ``add_prefix``."""
    state = content.get('state_dict')
    return {str(k).removeprefix('backbone.'): v
            for k, v in (state.items() if isinstance(state, dict) else ())
            if isinstance(v, Tensor)}


# The architecture


def _source(content: dict[str, Any], config: Mapping[str, Any] | None) -> Source | None:
    """Return the settings of the backbone by the checkpoint's own config, or else by ``config``."""
    if STAMP_KEY in meta_of(content):
        return None  # the digest proves that it is whole
    own = meta_of(content).get('cfg')
    for cfg in (read_config_text(own) if isinstance(own, str) else {}, config or {}):
        model = cfg.get('model')
        found = plain_settings(model.get('backbone')) if isinstance(model, Mapping) else None
        if found:
            return _built(found, str(cfg.get('default_scope') or 'mmpretrain'))
    return None


def _built(settings: dict[str, Any], scope: str) -> Source:
    return Source(settings, scope, build_backbone(settings, scope))


def _named_as_in_mmdetection(values: Mapping[str, Any], source: Source | None) -> dict[str, Any]:
    """Return ``values`` by the names of MMDetection, where those of MMPretrain's ResNets differ."""
    if source is None or source.settings['type'].rpartition('.')[2] not in RESNETS:
        return dict(values)

    def renamed(name: str) -> str:
        # MMPretrain has three groups of layers in a deep stem, and MMDetection numbers the layers.
        name = re.sub(r'^stem\.(\d)\.(conv|bn)\.',
                      lambda m: f'stem.{3 * int(m[1]) + ("conv", "bn").index(m[2])}.', name)
        # MMDetection pools in the first shortcut too, by 1, which counts as a layer.
        return re.sub(r'^layer1\.0\.downsample\.(\d)\.',
                      lambda m: f'layer1.0.downsample.{int(m[1]) + 1}.', name) if pooled else name

    pooled = 'layer1.0.downsample.0.weight' in values and (
        source.settings.get('avg_down') or source.settings['type'].endswith('ResNetV1d'))
    return {renamed(name): value for name, value in values.items()}


def _whole(found: dict[str, Tensor],
           expected: Mapping[str, tuple[tuple[int, ...], bool]] | None) -> dict[str, Tensor]:
    """Return the tensors of a backbone as they are exported, after checking that all are there and
    usable.

    Raises:
        LayoutError: tensors are missing, foreign, of another shape or kind, or values are not
            finite.
    """
    # The heads are left out, unless the backbone itself has them.
    tensors = {k: v for k, v in found.items() if not is_head(k) or k in (expected or {})}
    faults = []
    if expected is not None:
        # The axes of some frameworks have length 1 where others have none.
        tensors = {k: _with_shape(v, expected[k][0]) if k in expected else v
                   for k, v in tensors.items()}
        missing = [k for k, (_, spare) in expected.items() if k not in tensors and not spare]
        foreign = [k for k in tensors if k not in expected]
        misshapen = [f'{k} {tuple(t.shape)} instead of {expected[k][0]}' for k, t in tensors.items()
                     if k in expected and tuple(t.shape) != expected[k][0]]
        faults = [f'{len(names)} {what} ({listed(names)})' for names, what in (
            (missing, 'tensors missing'), (foreign, 'foreign tensors'),
            (misshapen, 'tensors of another shape')) if names]
    # float32 is what the detectors train in. Wider numbers would lose digits, and others are
    # no weights.
    kinds = [k for k, t in tensors.items()
             if not (t.dtype in (torch.float32, torch.float16, torch.bfloat16)
                     or t.dtype in (torch.int64, torch.bool))]
    if kinds:
        faults.append(f'{len(kinds)} tensors of {tensors[kinds[0]].dtype}, which float32 cannot '
                      f'hold exactly ({listed(kinds)}); save them as float32')
    faults += [f'{name} holds NaN or infinite values' for name in not_finite(tensors)]
    faults += [f'{name} holds a variance below 0' for name, t in tensors.items()
               if name.endswith('running_var') and t.is_floating_point() and (t < 0).any()]
    if faults:
        raise LayoutError('; '.join(faults))
    # The clones free the tensors from shared storage.
    return {name: (t.detach().float().contiguous().clone() if t.is_floating_point()
                   else t.detach().clone())
            for name, t in tensors.items()}


def _with_shape(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    squeezed = [n for n in tensor.shape if n != 1]
    return tensor.reshape(shape) if squeezed == [n for n in shape if n != 1] else tensor


def _check_arch(content: dict[str, Any], backbone: Backbone) -> None:
    """Refuse a file whose own words name a network that its tensors alone do not tell from another
    one."""
    arch = content.get('arch')
    if not isinstance(arch, str) or backbone.settings is None:
        return
    plain = arch.lower().removeprefix('tv_').split('.')[0]
    settings = backbone.settings
    if settings['type'] in ('ResNet', 'ResNeXt'):
        deep, pooled = settings.get('deep_stem'), settings.get('avg_down')
        kind = 'd' if deep and pooled else 'c' if deep else ''
        expected = [f'resnet{settings["depth"]}{kind}']
        if settings['type'] == 'ResNeXt':
            groups, width = settings['groups'], settings['width_per_group']
            expected = [f'resnext{settings["depth"]}{kind}_{groups}x{width}d']
    else:
        expected = ([plain] if plain.startswith(settings['type'].lower())
                    else [settings['type'].lower()])
    if plain not in expected:
        raise LayoutError(f'its own words name the network {arch!r}, but its tensors have the '
                          f'names of {expected[0]!r}: what it computes is not known')


# The stamp


def _stamp(path: Path, content: dict[str, Any], backbone: Backbone, source: Source | None) -> Stamp:
    """Make the stamp, except its digest."""
    sha256, meta = file_sha256(path), meta_of(content)
    config_text = meta.get('cfg')
    known: dict[str, Any] = {}
    proved_by: dict[str, str] = {}

    def learn(facts: Mapping[str, Any], by: str) -> None:
        for name, value in facts.items():
            if name not in known:
                known[name] = value
                proved_by[name] = by

    learn(facts_of_config(config_text) if isinstance(config_text, str) else {}, CONFIG)
    learn(facts_of_published(sha256, content), DIGEST)
    if source:
        built = all_settings(source.network, source.settings)
        learn(dict(architecture=source.settings),
              TENSORS if source.settings is backbone.settings else GIVEN)
        if isinstance(built.get('depth'), int):
            learn(dict(depth=built['depth']), proved_by['architecture'])
    # The logged accuracy is that of the moving average.
    if backbone.layout == 'mmengine' and backbone.weights != 'raw':
        logged = top1_of_run(path, meta.get('epoch'))
        if logged:
            known.update(top1=logged[0], top1_from=logged[1])
    scope = source.scope if source and backbone.layout == 'mmengine' else backbone.layout
    return Stamp(source=printable(path.name), source_sha256=sha256, layout=scope,
                 prefix=backbone.prefix, weights=backbone.weights, proved_by=proved_by, **known)


def _with_given(stamp: Stamp, path: Path, method: str | None, recipe: str | None,
                top1: float | None) -> Stamp:
    """Add what the user says. It must not contradict what is proved."""
    proved_by = dict(stamp.proved_by)
    for name, value in (RECIPES[recipe] if recipe else {}).items():
        if name == 'style' and stamp.architecture and not has_style(stamp.architecture):
            continue
        known = getattr(stamp, name)
        if known is not None and proved_by.get(name) != GIVEN and known != value:
            raise ValueError(f'recipe: {recipe!r} has {name}={value}, but {path} is proved to have '
                             f'{known}; leave it out')
        stamp = replace(stamp, **{name: value})
        proved_by.setdefault(name, GIVEN)
    if method is not None:
        # A name of one's own is fine, but a known name must not contradict the config.
        own = stamp.method and (stamp.method, stamp.method.partition('(')[0])
        if method in METHODS and own and method not in own:
            raise ValueError(f'method: got {method!r}, but the config in {path} says '
                             f'{stamp.method!r}; leave it out, or use a name of your own')
        if method != stamp.method:
            proved_by['method'] = GIVEN
        stamp = replace(stamp, method=method)
    if top1 is not None:
        stamp = replace(stamp, top1=float(top1), top1_from=GIVEN)
    return replace(stamp, proved_by=proved_by)


def _write(out: Path, content: dict[str, Any]) -> None:
    """Write the file, read it back strictly, compare all bits, and only then give it its name."""
    with whole_file(out) as unfinished:
        torch.save(content, unfinished)
        if (digest(exported_tensors(load_checkpoint(unfinished)))
                != content['meta'][STAMP_KEY]['digest']):
            raise CheckpointError(f'{out}: the file differs from what was written; check the disk')
