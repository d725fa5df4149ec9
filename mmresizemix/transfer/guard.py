"""A hook that stops a detector before its first step unless its backbone's weights really arrived.

MMEngine loads a backbone with ``strict=False``: a missing prefix, another depth, a partial file
load none or some of the tensors, with one warning on rank 0, and training goes on
(mmdetection#6407, #9521). Another ``style`` or normalisation loads all of them, silently, into
another network.
"""
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, master_only
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import BaseLoop, Runner
from torch import nn

from ..files import write_text
from ..registry import HOOKS
from ..results import RECORD
from ..results.run import RANDOM
from ..unwrap import unwrapped
from .backbone_file import (
    BackboneError,
    BackboneFile,
    check_from_scratch,
    read_backbone_file,
    refuse,
)
from .compare import differing
from .layouts import listed


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
        self._quiet: _ExpectedLeftOver | None = None

    def before_run(self, runner: Runner) -> None:
        """Check the file before MMEngine loads it."""
        _on_every_rank(self._before_run, runner)

    def _before_run(self, runner: Runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop):
            return  # testing: the weights come from the detector's own checkpoint
        model = unwrapped(runner.model)
        if not hasattr(model, 'backbone'):
            raise BackboneError('BackboneGuard: the model has no backbone; remove the hook from '
                                'custom_hooks')
        if self.from_scratch:
            check_from_scratch(model.backbone)
        else:
            self._file = read_backbone_file(model)
            self._quiet = _ExpectedLeftOver(self._file.left_over)

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
        backbone = unwrapped(runner.model).backbone
        names = differing(self._file.tensors, backbone)
        overwritten = (f'; load_from={runner._load_from} overwrote it: leave that out'
                       if runner._load_from else '; is another init_cfg applied after it?')
        refuse([f'{len(names)} tensors differ from the file after loading ({listed(names)})'
                f'{overwritten}'] if names else [], str(self._file.path))
        self._record(runner, _what_was_proved(self._file, backbone))
        _say(runner, self._file)

    def _check_resume(self, runner: Runner) -> None:
        record = Path(runner.work_dir) / RECORD
        if not record.is_file():
            runner.logger.warning(f'BackboneGuard: {record} is missing, so it could not be proved '
                                  'which backbone this resumed run began with.')
            return
        began_with = json.loads(record.read_text(encoding='utf-8')).get('digest')
        now = self._file.digest if self._file else None
        refuse([] if began_with == now else [
            f'the run in {runner.work_dir} began with another backbone '
            f'({_digest_or_random(began_with)}, now {_digest_or_random(now)}); resume with what it '
            'began with, or take another work_dir'],
            str(self._file.path) if self._file else 'random weights')

    @master_only
    def _record(self, runner: Runner, values: dict[str, Any]) -> None:
        values = dict(from_scratch=self.from_scratch, **values)
        write_text(Path(runner.work_dir) / RECORD, json.dumps(values, indent=2) + '\n')


def _what_was_proved(file: BackboneFile, backbone: nn.Module) -> dict[str, Any]:
    return dict(
        method=file.stamp.method if file.stamp else None,
        digest=file.digest,
        file=str(file.path),
        tensors_equal=sum(name in file.tensors for name in backbone.state_dict()),
        not_proved=file.unproved,
        stamp=file.stamp.to_dict() if file.stamp else None)


def _say(runner: Runner, file: BackboneFile) -> None:
    runner.logger.info(f'BackboneGuard: the backbone equals {file.path} bit for bit '
                       f'(digest {file.digest[:12]}).')
    if file.unproved:
        runner.logger.info(f'BackboneGuard: {file.path} does not say, so it could not be '
                           f'proved: {", ".join(file.unproved)}.')


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
