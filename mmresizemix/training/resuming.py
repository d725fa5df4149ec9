"""A training loop that a signal can stop in the middle of an epoch. A resumed run continues there
exactly.

An epoch begins with random streams that depend on (seed, rank, epoch) only (:mod:`.seeding`), so
that it can be repeated. The loader's batches up to the one where it stopped are drawn and
discarded, which brings its workers to the state that they had. Then the generators of this process
and the state of its batch augments are restored.
"""
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import (
    all_gather_object,
    all_reduce,
    barrier,
    broadcast,
    broadcast_object_list,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from ..console.processes import kill_children
from ..files import remove_unfinished
from ..registry import LOOPS
from ..runs.logs import HEADLINES, read_log
from .seeding import augments_of

INTERRUPTED = 'interrupted.pth'
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
# Ranks agree on whether to stop every so many iterations. On a GPU each time makes the CPU wait.
AGREE_EVERY = 10
BEST = 'best_score'  # the name that MMEngine's CheckpointHook uses


@LOOPS.register_module()
class ResumableEpochLoop(EpochBasedTrainLoop):
    """MMEngine's loop over epochs that a signal can stop and that can resume at any iteration::

        train_cfg = dict(type='mmresizemix.ResumableEpochLoop', max_epochs=12, val_interval=1)

    On SIGTERM, SIGINT, SIGUSR1 or SIGUSR2 it finishes the iteration, saves ``interrupted.pth`` to
    the work dir, and exits with 128 + the signal's number. With gradient accumulation it continues
    to the next step of the optimizer, and with several processes to an iteration that is a multiple
    of :data:`AGREE_EVERY`. At the end of an epoch it saves no ``interrupted.pth``.

    Outside of an epoch, for example in a validation, or at a second SIGINT, it exits at once. A
    resumed run first does a validation that it was stopped before.

    Buffers are shared at the end of an epoch, so that every rank validates what the checkpoint
    holds. A resumed run, in which all ranks begin from it, then logs the same metrics.

    Raises:
        ValueError: ``interrupted.pth`` comes from a run with another number of processes or of
            steps per epoch.
    """

    def __init__(self, runner: Runner, dataloader: Any, max_epochs: int, **settings: Any):
        super().__init__(runner, dataloader, max_epochs, **settings)
        self.stopped_at: dict[str, Any] = {}  # read from interrupted.pth
        self._signal: int | None = None
        self._in_epoch = False
        self._skip = 0
        runner.register_hook(_ReadInterrupted(self))

    def run(self) -> torch.nn.Module:
        """Train. First remove unfinished files of a killed run, and do a validation it missed."""
        with self._signals():
            if is_main_process():
                remove_unfinished(self.runner.work_dir)
            self.runner.call_hook('before_train')
            # Do the validation that the run was stopped before.
            if (self._iter == self._epoch * len(self.dataloader) and self._is_validation_due()
                    and self._was_not_validated()):
                self.runner.val_loop.run()
            # The rest is MMEngine's loop.
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._decide_current_val_interval()
                if self._is_validation_due():
                    self.runner.val_loop.run()
            self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for one epoch, or for the rest of one."""
        self._skip = self._iter - self._epoch * len(self.dataloader)
        if self._skip:
            self._check_alike()
            self.runner.logger.info(f'Drawing {self._skip} batches again, to go on at epoch '
                                    f'{self._epoch + 1}, iteration {self._skip + 1}')
        # From here to the end of the epoch, a signal waits for the end of the iteration.
        self._in_epoch = True
        super().run_epoch()
        _share_buffers(self.runner.model)
        self._in_epoch = False
        # The checkpoint of the epoch replaces that of the interruption.
        if is_main_process() and self._file(f'epoch_{self._epoch}.pth').is_file():
            self._file(INTERRUPTED).unlink(missing_ok=True)
        if number := self._agreed():
            self._exit(number, 'after')

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Train for one iteration. Skip those before the point where the run stopped."""
        if idx < self._skip:
            if self._signal is not None:
                self._exit(self._signal, 'on the way to')
            # Restore the state before the next batch is loaded, since loading draws from the
            # generators if there are no workers.
            if idx + 1 == self._skip:
                # It is not kept any longer: with RecursiveMix, each rank's state has a batch in it.
                _restore(self.stopped_at.pop('ranks')[get_rank()], self.runner.model)
            return
        super().run_iter(idx, data_batch)
        # After the last iteration, the end of the epoch handles the signal.
        if idx + 1 < len(self.dataloader) and (number := self._must_stop()):
            self._save()
            self._exit(number, 'at')

    def _must_stop(self) -> int | None:
        """Return the signal to stop for, if any, the same on all ranks. Return None while gradients
        accumulate."""
        accumulated = getattr(self.runner.optim_wrapper, '_accumulative_counts', 1)
        if self._iter % accumulated or (get_world_size() > 1 and self._iter % AGREE_EVERY):
            return None
        return self._agreed()

    def _agreed(self) -> int | None:
        if get_world_size() > 1:
            number = torch.tensor(self._signal or 0)
            all_reduce(number, 'max')
            self._signal = int(number) or None
        return self._signal

    def _save(self) -> None:
        ranks: list[Any] = all_gather_object(_states(self.runner.model))
        checkpoint_hook = self.runner.cfg.get('default_hooks', {}).get('checkpoint') or {}
        self.runner.save_checkpoint(
            self.runner.work_dir, INTERRUPTED, backend_args=checkpoint_hook.get('backend_args'),
            meta=dict(epoch=self._epoch, iter=self._iter, interrupted=dict(
                ranks=ranks, steps=len(self.dataloader))))
        # The first rank to exit makes torchrun stop the others, so that all wait for the file.
        barrier()

    def _exit(self, number: int, where: str) -> None:
        self.runner.logger.info(
            f'Stopped by {signal.Signals(number).name} {where} epoch {self._epoch + 1}, '
            f'iteration {self._iter - self._epoch * len(self.dataloader)}; --resume goes on there')
        _leave(number)

    def _check_alike(self) -> None:
        found = len(self.stopped_at.get('ranks', ())), self.stopped_at.get('steps')
        here = get_world_size(), len(self.dataloader)
        if found != here:
            raise ValueError(
                f'{INTERRUPTED}: expected {found[0]} processes and {found[1]} steps per epoch, got '
                f'{here[0]} and {here[1]}. Resume as it was started, or from the last epoch: '
                f'--resume epoch_{self._epoch}.pth')

    def _is_validation_due(self) -> bool:
        return (self.runner.val_loop is not None and self._epoch >= max(1, self.val_begin)
                and (self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs))

    def _was_not_validated(self) -> bool:
        """Whether the run was killed before the metric of the epoch was logged, or before the best
        checkpoint was saved for it."""
        answer = [False]
        if is_main_process():
            # A logged metric above the recorded best means that its checkpoint was not saved.
            logged = read_log(self.runner.work_dir).validations.get(self._epoch)
            best = self.runner.message_hub.runtime_info.get(BEST, float('-inf'))
            keeps_best = any(getattr(hook, 'save_best', None) for hook in self.runner.hooks)
            answer = [logged is None or (keeps_best and any(
                logged.get(name, best) > best for name in HEADLINES))]
        broadcast_object_list(answer)
        return answer[0]

    def _file(self, name: str) -> Path:
        return Path(self.runner.work_dir) / name

    @contextmanager
    def _signals(self) -> Iterator[None]:
        # Python lets only the main thread handle signals.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: Any) -> None:
        if number == signal.SIGINT and (self._signal is not None or not self._in_epoch):
            raise KeyboardInterrupt
        if not self._in_epoch:
            _leave_at_once(number)
        # A cluster and torchrun may both send a signal. The first one counts.
        self._signal = self._signal or number


def _leave_signals_to_the_parent() -> None:
    """Drop the loop's signal handlers in a forked child. SIGTERM ends the child, and the others are
    ignored."""
    # multiprocessing's pools end their children by SIGTERM. A Python handler may miss it while the
    # child waits for work, and then the pool of mmdet's ``eval_map`` never ends. A cluster and a
    # terminal send the other signals to all processes at once.
    for number in SIGNALS:
        if isinstance(getattr(signal.getsignal(number), '__self__', None), ResumableEpochLoop):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_leave_signals_to_the_parent)


class _ReadInterrupted(Hook):
    """A hook that passes to the loop what MMEngine does not read from a checkpoint."""

    def __init__(self, loop: ResumableEpochLoop):
        self.loop = loop

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self.loop.stopped_at = checkpoint.get('meta', {}).get('interrupted', {})


def _leave(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _leave_at_once(number: int) -> None:
    """Kill the children and end this process without cleaning up. No incomplete file has a
    final name, since files are renamed when they are complete."""
    # A signal can come anywhere. An exception from its handler was seen to leave the locks of a
    # pool taken, and the pool waits for them at its end.
    try:
        kill_children()
        sys.stdout.flush()
    finally:
        os._exit(128 + number)


def _share_buffers(model: torch.nn.Module) -> None:
    """Copy the buffers of rank 0, which are saved, to all ranks. Without this each rank would
    validate with its own running means, since MMEngine's DDP does not share them."""
    if get_world_size() > 1:
        for buffer in model.buffers():
            broadcast(buffer.data)


def _states(model: torch.nn.Module) -> dict[str, Any]:
    """Return the states of a rank's generators and batch augments, as plain values and tensors."""
    # Plain values and tensors pass the strict reading of checkpoints.
    state: Any = np.random.get_state()
    kind, keys, *rest = state
    return dict(
        python=random.getstate(),
        numpy=(kind, torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        augments=[augment.state_dict() for augment in augments_of(model)])


def _restore(states: dict[str, Any], model: torch.nn.Module) -> None:
    random.setstate(states['python'])
    kind, keys, *rest = states['numpy']
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())
    if states['cuda'] is not None:
        torch.cuda.set_rng_state(states['cuda'].cpu())
    for augment, state in zip(augments_of(model), states['augments'], strict=True):
        augment.load_state_dict(state)
