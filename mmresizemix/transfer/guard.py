"""A hook that stops a detector before its first step unless its backbone has the right weights.

MMEngine loads a backbone with ``strict=False``. If the prefix is missing, the depth differs or the
file is incomplete, it loads none or some of the tensors with a single warning on rank 0, and
training goes on (mmdetection#6407, #9521). If ``style`` or the normalisation differs, it loads all
tensors without a warning, but into a network that works differently.
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
from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS
from ..runs import RECORD
from ..runs.run import RANDOM
from .backbone_file import (
    BackboneError,
    BackboneFile,
    check_from_scratch,
    read_backbone_file,
    refuse,
)
from .differences import differing
from .sources import listed


@HOOKS.register_module()
class BackboneGuard(Hook):
    """Prove that a detector starts from the backbone file that its config names.

    Before MMEngine loads the file, the hook reads it strictly, so that nothing in it can run. It
    checks that the file fits the backbone name by name, holds no NaN or infinite values, and equals
    what was exported (by the digest). It also checks that the detector has the normalisation, the
    order of channels, the depth and the strides that the stamp names. Before the first step, it
    checks that every parameter and buffer of the backbone equals the file bit for bit. It then
    records in ``<work_dir>/backbone.json`` which pretraining the run came from.

    A file without a stamp passes if every tensor matches, and the log says what could not be
    proved. When a run is resumed, the file must still be the one that the run began with.

    Args:
        from_scratch (bool): whether the backbone starts from random weights on purpose. In this
            case ``model.backbone.init_cfg`` must load no file, and nothing may be frozen. Defaults
            to False.

    Raises:
        BackboneError: a check fails. It is raised on every rank, before the first step.
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
        # MMEngine builds the loop only for training. In a test, the weights come from the
        # detector's own checkpoint.
        if not isinstance(runner._train_loop, BaseLoop):
            return
        model = unwrapped(runner.model)
        if not hasattr(model, 'backbone'):
            raise BackboneError('BackboneGuard: the model has no backbone; remove the hook from '
                                'custom_hooks')
        if self.from_scratch:
            # A run that is resumed takes all its weights from its own checkpoint.
            check_from_scratch(model, None if runner._resume else runner._load_from)
        else:
            self._file = read_backbone_file(model, runner.cfg)
            self._quiet = _ExpectedLeftOver(self._file.left_over)

    def before_train(self, runner: Runner) -> None:
        """Compare the weights with the file, and write the record."""
        if self._quiet:
            self._quiet.remove()
        _on_every_rank(self._before_train, runner)

    def _before_train(self, runner: Runner) -> None:
        if runner.iter > 0:  # resume=True without a checkpoint to resume from is a fresh start
            self._check_resume(runner)
            return
        if self._file is None:
            self._record(runner, dict(method=RANDOM))
            return
        # load_from or a later init_cfg may have overwritten what the file gave.
        backbone = unwrapped(runner.model).backbone
        names = differing(self._file.tensors, backbone)
        overwritten = (f'; load_from={runner._load_from} overwrote them: leave out load_from'
                       if runner._load_from else '; is another init_cfg applied after it?')
        refuse([f'{len(names)} tensors differ from the file after loading ({listed(names)})'
                f'{overwritten}'] if names else [], str(self._file.path))
        self._record(runner, _what_was_proved(self._file, backbone))
        _say(runner, self._file)

    def _check_resume(self, runner: Runner) -> None:
        # The weights have been trained since, so only the digests of the files can be compared.
        record = Path(runner.work_dir) / RECORD
        if not record.is_file():
            runner.logger.warning(f'BackboneGuard: {record} is missing, so it cannot be proved '
                                  'which backbone this resumed run began with.')
            return
        began_with = json.loads(record.read_text(encoding='utf-8')).get('digest')
        now = self._file.digest if self._file else None
        refuse([] if began_with == now else [
            f'the run in {runner.work_dir} began with another backbone '
            f'({_digest_or_random(began_with)}, now {_digest_or_random(now)}); resume with the '
            'backbone that it began with, or use another work_dir'],
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
        added_by_the_detector=file.added,
        stamp=file.stamp.to_dict() if file.stamp else None)


def _say(runner: Runner, file: BackboneFile) -> None:
    runner.logger.info(f'BackboneGuard: the backbone equals {file.path} bit for bit '
                       f'(digest {file.digest[:12]}).')
    if file.added:
        runner.logger.info(f'BackboneGuard: the detector adds {len(file.added)} tensors to the '
                           f'backbone ({listed(file.added)}), which start from random weights.')
    if file.unproved:
        runner.logger.info(f'BackboneGuard: these facts are not in {file.path} and could not '
                           f'be proved: {", ".join(file.unproved)}.')


def _on_every_rank(check: Callable[[Any], None], runner: Runner) -> None:
    """Call ``check``, and raise on all ranks what any rank finds."""
    # If a single rank raised, the others would wait for it forever.
    own = None
    try:
        check(runner)
    except Exception as error:  # a full disk, too
        own = error
    text = own and (str(own) if isinstance(own, BackboneError) else
                    f'BackboneGuard: {type(own).__name__}: {own}')
    found = [text for text in all_gather_object(text) if text]
    if own:
        raise own
    if found:
        raise BackboneError(found[0])


def _digest_or_random(digest_: str | None) -> str:
    return f'digest {digest_[:12]}' if digest_ else 'random weights'


class _ExpectedLeftOver(logging.Filter):
    """A filter that drops MMEngine's warning about "unexpected" keys while weights are loaded.

    The warning is dropped only if all these keys are among the tensors that the guard has found to
    be rightly left over.
    """

    def __init__(self, left_over: list[str]):
        super().__init__()
        self.left_over = set(left_over)
        self.logger = MMLogger.get_current_instance()
        self.logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        # Any other fault in the same message must be seen.
        text = record.getMessage()
        if 'do not match exactly' not in text or 'missing keys' in text or 'size mismatch' in text:
            return True
        _, found, names = text.partition('unexpected key in source state_dict: ')
        return not (found and set(names.strip().split(', ')) <= self.left_over)

    def remove(self) -> None:
        self.logger.removeFilter(self)
