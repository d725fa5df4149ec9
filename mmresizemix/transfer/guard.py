"""A hook that stops a detector before its first step unless its backbone's weights really arrived.

MMEngine loads a backbone with ``strict=False``: a missing prefix, another depth, a partial file
load none or some of the tensors, with one warning on rank 0, and training goes on
(mmdetection#6407, #9521). Another ``style`` or normalisation loads all of them, silently, into
another network.
"""
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, master_only
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from ..files import write_text
from ..registry import HOOKS
from ..results import RECORD
from .checkpoint import CheckpointError, load_checkpoint
from .compare import differing, fit_names, fit_stamp
from .export import stamp_of
from .layouts import HEADS, listed, meta_of
from .locate import local_file
from .stamp import Stamp, digest, facts_of_mmpretrain, facts_of_torchvision

RANDOM = 'random'


class BackboneError(RuntimeError):
    """The detector's backbone is not what its file says; the message names cause and remedy."""


@dataclass(frozen=True)
class BackboneFile:
    """A backbone file as MMEngine will load it: tensors by the backbone's names."""
    path: Path
    tensors: dict[str, Tensor]
    stamp: Stamp | None
    digest: str


@HOOKS.register_module()
class BackboneGuard(Hook):
    """Prove that a detector starts from the backbone file that its config names.

    Before MMEngine touches the file: it is read strictly (nothing in it can run), fits the backbone
    name by name, holds no NaN, equals what was exported (digest), and the detector normalises,
    orders channels and strides as the stamp says. Before the first step: every parameter and buffer
    of the backbone equals the file bit for bit. Then ``<work_dir>/backbone.json`` records which
    pretraining the run came from.

    A file without a stamp passes when every tensor matches, with a line on what could not be
    proved. On resuming, the file must still be the one that the run began with.

    Args:
        from_scratch (bool): the backbone starts from random weights on purpose:
            ``model.backbone.init_cfg`` must be None, and nothing may be frozen. Defaults to False.

    Raises:
        BackboneError: on every rank, before the first step.
    """
    priority = 'VERY_HIGH'

    def __init__(self, from_scratch: bool = False):
        self.from_scratch = from_scratch
        self._file: BackboneFile | None = None
        self._unproved: list[str] = []
        self._quiet: _ExpectedLeftOver | None = None

    def before_run(self, runner: Runner) -> None:
        """Check the file before MMEngine loads it."""
        _on_every_rank(self._before_run, runner)

    def _before_run(self, runner: Runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop):
            return  # testing: the weights come from the detector's own checkpoint
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, 'backbone'):
            raise BackboneError('BackboneGuard: the model has no backbone; remove the hook from '
                                'custom_hooks')
        if self.from_scratch:
            _refuse(_scratch_faults(model.backbone), 'random weights')
            return
        checkpoint, prefix = _init_cfg(model.backbone)
        try:
            path = local_file(checkpoint)
            content = load_checkpoint(path)
        except CheckpointError as error:
            raise BackboneError(f'BackboneGuard: {error}') from None
        self._file = self._check(path, content, model, checkpoint, prefix)

    def _check(self, path: Path, content: dict[str, Any], model: Any, checkpoint: str,
               prefix: str | None) -> BackboneFile:
        state = content.get('state_dict', content)
        state = state if isinstance(state, dict) else {}
        state = {str(k).removeprefix('module.'): v for k, v in state.items()
                 if isinstance(v, Tensor)}
        fit = fit_names(state, model.backbone, prefix)
        faults = list(fit.faults)
        try:
            exported = stamp_of(content)
        except ValueError as error:
            exported, faults = None, [*faults, str(error)]
        if exported and exported.digest != digest(state):
            faults.append('the tensors are not those that were exported (their digest differs); '
                          'export the backbone again')
        stamp = exported or _known_facts(checkpoint, content)
        if stamp and not fit.faults:
            stamp_faults, self._unproved = fit_stamp(stamp, model)
            faults += stamp_faults
        if stamp is None:
            self._unproved = ['method', 'normalisation', 'channel order', 'style']
        _refuse(faults, str(path))
        self._quiet = _ExpectedLeftOver(fit.left_over)
        start = f'{prefix.rstrip(".")}.' if prefix else ''
        inside = {k[len(start):]: v for k, v in state.items() if k.startswith(start)}
        tensors = {k: v for k, v in inside.items() if k not in fit.left_over}
        # of all stages, so that one file has one digest in every detector
        own = (exported and exported.digest) or digest(
            {k: v for k, v in inside.items() if not k.startswith(HEADS)})
        return BackboneFile(path, tensors, stamp, own)

    def _check_resume(self, runner: Runner) -> None:
        record = Path(runner.work_dir) / RECORD
        if not record.is_file():
            runner.logger.warning(f'BackboneGuard: {record} is missing, so it could not be proved '
                                  'which backbone this resumed run began with.')
            return
        began_with = json.loads(record.read_text()).get('digest')
        now = self._file.digest if self._file else None
        _refuse([] if began_with == now else [
            f'the run in {runner.work_dir} began with another backbone '
            f'({_digest_or_random(began_with)}, now {_digest_or_random(now)}); resume with what it '
            'began with, or take another work_dir'],
            str(self._file.path) if self._file else 'random weights')

    def before_train(self, runner: Runner) -> None:
        """Compare the weights with the file, and write the record."""
        if self._quiet:
            self._quiet.remove()
        _on_every_rank(self._before_train, runner)

    def _before_train(self, runner: Runner) -> None:
        if runner.iter > 0:  # resume=True with nothing to resume from is a fresh start
            self._check_resume(runner)
            return
        if self._file is None:
            self._record(runner, dict(method=RANDOM))
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = differing(self._file.tensors, model.backbone)
        overwritten = (f'; load_from={runner._load_from} overwrote it: leave that out'
                       if runner._load_from else '; is another init_cfg applied after it?')
        _refuse([f'{len(names)} tensors differ from the file after loading ({listed(names)})'
                 f'{overwritten}'] if names else [], str(self._file.path))
        self._record(runner, self._what_was_proved(self._file, model.backbone))
        self._say(runner, self._file)

    def _what_was_proved(self, file: BackboneFile, backbone: nn.Module) -> dict[str, Any]:
        return dict(
            method=file.stamp.method if file.stamp else None,
            digest=file.digest,
            file=str(file.path),
            tensors_equal=sum(name in file.tensors for name in backbone.state_dict()),
            not_proved=self._unproved,
            stamp=file.stamp.to_dict() if file.stamp else None)

    @master_only
    def _record(self, runner: Runner, values: dict[str, Any]) -> None:
        values = dict(from_scratch=self.from_scratch, **values)
        write_text(Path(runner.work_dir) / RECORD, json.dumps(values, indent=2) + '\n')

    def _say(self, runner: Runner, file: BackboneFile) -> None:
        runner.logger.info(f'BackboneGuard: the backbone equals {file.path} bit for bit '
                           f'(digest {file.digest[:12]}).')
        if self._unproved:
            runner.logger.info(f'BackboneGuard: {file.path} does not say, so it could not be '
                               f'proved: {", ".join(self._unproved)}.')


def _on_every_rank(check: Callable[[Any], None], runner: Runner) -> None:
    """Call ``check``; what one rank finds is raised on all, which would wait for it for ever."""
    fault = None
    try:
        check(runner)
    except BackboneError as error:
        fault = str(error)
    found = [fault for fault in all_gather_object(fault) if fault]
    if found:
        raise BackboneError(found[0])


def _digest_or_random(digest_: str | None) -> str:
    return f'digest {digest_[:12]}' if digest_ else 'random weights'


def _refuse(faults: list[str], what: str) -> None:
    if faults:
        text = faults[0] if len(faults) == 1 else ''.join(f'\n  - {fault}' for fault in faults)
        raise BackboneError(f'BackboneGuard: {what}: {text}')


def _pretrained(backbone: nn.Module) -> dict | None:
    """The init_cfg that loads a file; one may stand in a list with others."""
    found = getattr(backbone, 'init_cfg', None) or []
    found = found if isinstance(found, list) else [found]
    return next((cfg for cfg in found if cfg['type'] == 'Pretrained'), None)


def _init_cfg(backbone: nn.Module) -> tuple[str, str | None]:
    """(checkpoint, prefix) that MMEngine will initialise ``backbone`` from."""
    init_cfg = _pretrained(backbone)
    if init_cfg is None:
        raise BackboneError(
            'BackboneGuard: model.backbone.init_cfg names no file, so that the backbone would '
            "start from random weights; set it to dict(type='Pretrained', checkpoint=FILE) (our "
            'tools/train.py: --backbone FILE), or, if that is meant, from_scratch=True of the '
            'guard (--backbone random)')
    return init_cfg['checkpoint'], init_cfg.get('prefix')


def _scratch_faults(backbone: nn.Module) -> list[str]:
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
    return faults


def _known_facts(checkpoint: str, content: dict[str, Any]) -> Stamp | None:
    """What is known about a file without a stamp."""
    if checkpoint.startswith('torchvision://'):
        return Stamp(method='baseline', source=checkpoint, **facts_of_torchvision())
    config_text = meta_of(content).get('cfg')
    if isinstance(config_text, str):
        return Stamp(**facts_of_mmpretrain(config_text))
    return None


class _ExpectedLeftOver(logging.Filter):
    """Keeps MMEngine's warning on "unexpected" keys out of the log while the weights are loaded,
    where those are just the tensors that the guard has found to be rightly left over."""

    def __init__(self, left_over: list[str]):
        super().__init__()
        self.left_over = set(left_over)
        self.logger = MMLogger.get_current_instance()
        self.logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if 'do not match exactly' not in text or 'missing keys' in text or 'size mismatch' in text:
            return True
        _, found, names = text.partition('unexpected key in source state_dict: ')
        return not (found and set(names.strip().split(', ')) <= self.left_over)

    def remove(self) -> None:
        self.logger.removeFilter(self)
