"""Read the backbone file that a detector's config names, and find all that speaks against it."""
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from .differences import fit_names, fit_stamp
from .export import stamp_of
from .layouts import HEADS, meta_of
from .locate import local_file
from .stamp import Stamp, digest, facts_of_mmpretrain, facts_of_torchvision

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
    """
    path: Path
    tensors: dict[str, Tensor]
    left_over: list[str]
    stamp: Stamp | None
    digest: str
    unproved: list[str]


def read_backbone_file(model: Any) -> BackboneFile:
    """Read the file that the ``init_cfg`` of ``model.backbone`` names, and compare it with the
    detector ``model``.

    The file is read strictly, and nothing in it can run.

    Raises:
        BackboneError: no file is named, it cannot be read safely, or it does not fit the detector.
    """
    checkpoint, prefix = _init_cfg(model.backbone)
    try:
        path = local_file(checkpoint)
        content = load_checkpoint(path)
    except CheckpointError as error:
        raise BackboneError(f'BackboneGuard: {error}') from None
    # DataParallel puts 'module.' in front of every name.
    state = content.get('state_dict', content)
    state = state if isinstance(state, dict) else {}
    state = {str(k).removeprefix('module.'): v for k, v in state.items() if isinstance(v, Tensor)}
    # All faults are collected, so that one message names them all.
    fit = fit_names(state, model.backbone, prefix)
    faults, unproved, exported = list(fit.faults), list(UNSTAMPED), None
    try:
        exported = stamp_of(content)
    except ValueError as error:
        faults.append(str(error))
    if exported and exported.digest != digest(state):
        faults.append('the tensors are not those that were exported (their digest differs); '
                      'export the backbone again')
    # The stamp is compared only if the names fit. Another architecture explains the rest.
    stamp = exported or _known_facts(checkpoint, content)
    if stamp and not fit.faults:
        stamp_faults, unproved = fit_stamp(stamp, model)
        faults += stamp_faults
    refuse(faults, str(path))
    # Heads stay out of the digest, as they do in an exported file.
    own = (exported and exported.digest) or digest(
        {k: v for k, v in fit.inside.items() if not k.startswith(HEADS)})
    tensors = {k: v for k, v in fit.inside.items() if k not in fit.left_over}
    return BackboneFile(path, tensors, fit.left_over, stamp, own, unproved)


def check_from_scratch(backbone: nn.Module) -> None:
    """Check that ``backbone`` starts from random weights and can learn in every layer.

    Raises:
        BackboneError: ``backbone`` would load a file, or a part of it is frozen.
    """
    faults = []
    init_cfg = _pretrained(backbone)
    if init_cfg:
        faults.append('from_scratch=True, but model.backbone.init_cfg loads '
                      f'{init_cfg["checkpoint"]}; set one or the other')
    if getattr(backbone, 'frozen_stages', -1) >= 0:
        faults.append(f'model.backbone.frozen_stages={backbone.frozen_stages} would freeze random '
                      'weights; set it to -1')
    if getattr(backbone, 'norm_eval', False):
        faults.append('model.backbone.norm_eval=True would keep BatchNorm at its first statistics; '
                      'set it to False')
    refuse(faults, 'random weights')


def refuse(faults: list[str], what: str) -> None:
    """Raise a BackboneError about ``what`` if there are any ``faults``."""
    if faults:
        text = faults[0] if len(faults) == 1 else ''.join(f'\n  - {fault}' for fault in faults)
        raise BackboneError(f'BackboneGuard: {what}: {text}')


def _pretrained(backbone: nn.Module) -> dict | None:
    """Return the init_cfg that loads a file, or None. It may be one of several in a list."""
    found = getattr(backbone, 'init_cfg', None) or []
    found = found if isinstance(found, list) else [found]
    return next((cfg for cfg in found if cfg['type'] == 'Pretrained'), None)


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


def _known_facts(checkpoint: str, content: dict[str, Any]) -> Stamp | None:
    """Return what is known about a file without a stamp, or None."""
    if checkpoint.startswith('torchvision://'):
        return Stamp(method='baseline', source=checkpoint, **facts_of_torchvision())
    config_text = meta_of(content).get('cfg')
    if isinstance(config_text, str):
        return Stamp(**facts_of_mmpretrain(config_text))
    return None
