"""Read the backbone file that a detector's config names, and find all that speaks against it."""
import logging
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from ..files import file_sha256
from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from ..openmmlab.random_streams import same_random_numbers
from ..openmmlab.strict_loading import load_strictly, local_file
from .architecture import plain_settings
from .differences import Fit, InAClassifier, differing, fit_names, fit_stamp, in_a_classifier
from .export import UNREADABLE, stamp_of, told
from .sources import LayoutError, check_tensors, is_head, listed, meta_of
from .stamp import Stamp, digest, facts_of_config, facts_of_published, printable

UNSTAMPED = ('method', 'normalisation', 'channel order', 'style')  # what no file says by itself


class BackboneError(RuntimeError):
    """The error for a backbone that is not what its file says.

    The message names the cause and the remedy.
    """


@dataclass(frozen=True)
class BackboneFile:
    """A backbone file that fits a detector.

    Args:
        tensors: the tensors by the names of the backbone, as MMEngine will load them.
        left_over: the names of tensors that the backbone rightly does not use.
        stamp: what is known about the file, or None.
        digest: the digest of all stages, so that a file has the same digest in every detector.
        unproved: what could not be compared, since the file does not say it.
        added: the names of tensors that the detector adds to the backbone.
    """
    path: Path
    tensors: dict[str, Tensor]
    left_over: list[str]
    stamp: Stamp | None
    digest: str
    unproved: list[str]
    added: list[str]


def read_backbone_file(model: Any, config: Mapping[str, Any] | None = None) -> BackboneFile:
    """Read the file that the ``init_cfg`` of ``model.backbone`` names, and compare it with the
    detector ``model``.

    The file is read strictly, and nothing in it can run.

    Args:
        config: the config that built ``model``. Without it, a backbone that takes other outputs
            than a classifier, or has more layers, is refused.

    Raises:
        BackboneError: no file is named, it cannot be read safely, or it does not fit the detector.
    """
    checkpoint, prefix = _init_cfg(model.backbone)
    try:
        path = local_file(checkpoint)
        content = load_checkpoint(path)
    except CheckpointError as error:
        raise BackboneError(f'BackboneGuard: {error}') from None
    try:
        return _compared(path, content, prefix, model, config or {})
    except UNREADABLE as error:
        if isinstance(error, BackboneError):
            raise
        raise BackboneError(f'BackboneGuard: {path}: {told(error)}') from None


def _compared(path: Path, content: dict[str, Any], prefix: str | None, model: Any,
              config: Mapping[str, Any]) -> BackboneFile:
    state = _state_of(content)
    faults, exported = [], None
    try:
        exported = stamp_of(content)
    except ValueError as error:
        faults.append(str(error))
    plain = {k.removeprefix('backbone.'): v for k, v in state.items()}
    if exported and exported.digest != digest(plain):
        faults.append('the tensors are not those that were exported (their digest differs); '
                      'export the backbone again')
    # All faults are collected, so that one message names them all.
    stamp = exported or _known_facts(path, content)
    settings, scope = _settings_of(config)
    fit = _fit(state, model.backbone, prefix,
               in_a_classifier(settings, scope, model.backbone, stamp))
    faults = [*fit.faults, *faults]
    # The stamp is compared only if the names fit. Another architecture explains the rest.
    unproved = list(UNSTAMPED)
    if stamp and not fit.faults:
        stamp_faults, unproved = fit_stamp(stamp, model, settings, scope)
        faults += stamp_faults
    refuse(faults, str(path))
    # Heads stay out of the digest, as they do in an exported file.
    own = (exported and exported.digest) or digest(
        {k: v for k, v in fit.inside.items() if not is_head(k)})
    tensors = {k: v for k, v in fit.inside.items() if k not in fit.left_over}
    return BackboneFile(path, tensors, fit.left_over, stamp, own, unproved, fit.added)


def _state_of(content: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors that MMEngine takes, by their names in the file.

    Raises:
        LayoutError: a tensor or a name is not what it should be.
    """
    state = content.get('state_dict', content)
    state = {k: v for k, v in (state.items() if isinstance(state, dict) else ())
             if isinstance(v, Tensor)}
    odd = [k for k in state if not isinstance(k, str)]
    if odd:
        raise LayoutError(f'a tensor has the name {str(odd[0])[:80]!r}, which is no text; save '
                          'model.state_dict()')
    check_tensors(state)
    twice = [k for k in state if f'module.{k}' in state]
    if twice:
        raise LayoutError(f'holds {twice[0]} and module.{twice[0]}; save one model')
    return state


def _settings_of(config: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return (the settings of the backbone in ``config``, the package of the config)."""
    model = config.get('model')
    found = plain_settings(model.get('backbone')) if isinstance(model, Mapping) else None
    return found, str(config.get('default_scope') or 'mmdet')


def _fit(state: dict[str, Tensor], backbone: nn.Module, prefix: str | None,
         classifier: InAClassifier | None) -> Fit:
    """Compare names and shapes by the rule by which the backbone will load them."""
    fit = fit_names(state, backbone, prefix, classifier)
    cls: Any = type(backbone)
    if cls.init_weights is BaseModule.init_weights:
        return fit
    # The class has an init_weights of its own, which may read the file by another rule. What it
    # does is tried on a copy.
    other = fit_names(state, backbone, None if prefix else 'backbone.', classifier)
    fits = [one for one in (fit, other) if not one.faults]
    if not fits:
        return fit
    kind = cls.__name__
    try:
        loaded = _initialised(backbone)
    except Exception as error:  # of whatever the class does with the file
        return replace(fit, faults=[
            f'{kind} reads the file by itself and fails ({type(error).__name__}: {error}); if it '
            "expects names that begin with 'backbone.', export the file with --add-prefix"])
    for one in fits:
        if not differing({k: v for k, v in one.inside.items() if k not in one.left_over}, loaded):
            return one
    if fit.faults:
        return fit
    names = differing(fit.inside, loaded)
    return replace(fit, faults=[
        f'{kind} reads the file by itself, and {len(names)} of its tensors are not those of the '
        f'file ({listed(names)}); they are resized, or not loaded'])


def _initialised(backbone: nn.Module) -> nn.Module:
    """Return a copy of ``backbone`` after its ``init_weights``. The random streams are left as they
    were."""
    load_strictly()
    copy: Any = deepcopy(backbone)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the real run will log the same
    try:
        with same_random_numbers():
            copy.init_weights()
    finally:
        logging.disable(before)
    return copy


def check_from_scratch(model: Any, load_from: str | None = None) -> None:
    """Check that the backbone of ``model`` starts from random weights and can learn in every layer.

    Args:
        load_from: the checkpoint that will be loaded into the whole model, or None.

    Raises:
        BackboneError: the backbone would load a file, or a part of it is frozen.
    """
    backbone = model.backbone
    parts = {'model': model, **{f'model.backbone.{name}'.rstrip('.'): module
                                for name, module in backbone.named_modules()}}
    faults = [f'from_scratch=True, but {name}.init_cfg loads {init_cfg["checkpoint"]}; set one or '
              'the other' for name, part in parts.items() if (init_cfg := _pretrained(part))]
    if load_from:
        faults.append(f'from_scratch=True, but load_from={load_from} would overwrite the random '
                      'weights; leave out one of them')
    if getattr(backbone, 'frozen_stages', -1) >= 0:
        faults.append(f'model.backbone.frozen_stages={backbone.frozen_stages} would freeze random '
                      'weights; set it to -1')
    if getattr(backbone, 'norm_eval', False):
        faults.append('model.backbone.norm_eval=True would keep BatchNorm at its first statistics; '
                      'set it to False')
    # Positions that are computed rather than learned are no weights.
    frozen = [name for name, p in backbone.named_parameters()
              if not p.requires_grad and not name.endswith('pos_embed')]
    if frozen and not faults:
        faults.append(f'{len(frozen)} random parameters would never be trained ({listed(frozen)}); '
                      'is there a requires_grad=False, as in norm_cfg?')
    refuse(faults, 'random weights')


def refuse(faults: list[str], what: str) -> None:
    """Raise a BackboneError about ``what`` if there are any ``faults``."""
    if faults:
        text = faults[0] if len(faults) == 1 else ''.join(f'\n  - {fault}' for fault in faults)
        raise BackboneError(f'BackboneGuard: {what}: {text}')


def _pretrained(backbone: nn.Module) -> Mapping[str, Any] | None:
    """Return the init_cfg that loads a file, or None. It may be one of several in a list.

    It is known by its checkpoint, since its type may be a name, a longer name, or a class.
    """
    found = getattr(backbone, 'init_cfg', None) or []
    found = found if isinstance(found, list) else [found]
    return next((cfg for cfg in found if isinstance(cfg, Mapping) and 'checkpoint' in cfg), None)


def _init_cfg(backbone: nn.Module) -> tuple[str, str | None]:
    """Return the (checkpoint, prefix) from which MMEngine will initialise ``backbone``."""
    init_cfg = _pretrained(backbone)
    if init_cfg is None:
        raise BackboneError(
            'BackboneGuard: model.backbone.init_cfg names no file, so the backbone would start '
            "from random weights; set it to dict(type='Pretrained', checkpoint=FILE) (in our "
            'tools/train.py: --backbone FILE) or, if you want random weights, set '
            'from_scratch=True of the guard (--backbone random)')
    return init_cfg['checkpoint'], init_cfg.get('prefix')


def _known_facts(path: Path, content: dict[str, Any]) -> Stamp | None:
    """Return what is known about a file without a stamp, or None."""
    config_text = meta_of(content).get('cfg')
    facts = facts_of_config(config_text) if isinstance(config_text, str) else {}
    facts = facts or facts_of_published(file_sha256(path), content)
    return Stamp(source=printable(path.name), **facts) if facts else None
