"""Run a plan on this machine, with as many stages at a time as its GPUs or its cores allow."""
import os
import queue
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from rich.console import Console
from rich.live import Live

from ..training.sharing import shared
from .progress import announce, say, status_table
from .run_stage import Outcome, run_stage
from .stage import Stage, State, state_of
from .stage_record import Held, lock
from .status import ENDED, Status

REFRESH_SECONDS = 1.0


class InUse(RuntimeError):
    """Raised if another command works on this root."""


def slots(gpus: int, gpus_per_run: int, at_once: int | None,
          runs_per_gpu: int = 1) -> list[dict[str, str]]:
    """Return the environment of each place where a stage can run.

    Args:
        gpus: the number of GPUs of this machine to use.
        gpus_per_run: the number of GPUs per run, 0 for the CPU.
        at_once: the number of stages to run at a time. If None, it is as many as the GPUs allow, or
            two on a CPU with at least two cores.
        runs_per_gpu: the number of runs that share each GPU. It can be more than 1 only if a run
            takes one GPU.

    Raises:
        ValueError: a run needs more GPUs than there are.
    """
    # On a CPU, the runs divide its cores among them.
    cores = len(os.sched_getaffinity(0))
    if gpus_per_run == 0:
        count = at_once or min(2, cores)
        return [dict(OMP_NUM_THREADS=str(max(1, cores // count)), CUDA_VISIBLE_DEVICES='')
                for _ in range(count)]
    if gpus < gpus_per_run:
        raise ValueError(f'a run of this plan takes {gpus_per_run} GPUs, and there are {gpus}; set '
                         'gpus_per_run in the plan (the total batch is kept)')
    # Use only the GPUs that are visible to this process, by the names that it knows them by.
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    names = visible.split(',') if visible else [str(i) for i in range(gpus)]
    groups = [names[i:i + gpus_per_run] for i in range(0, gpus - gpus_per_run + 1, gpus_per_run)]
    # A GPU that is shared is the place of several runs. The first runs get GPUs of their own.
    places = [dict(CUDA_VISIBLE_DEVICES=','.join(group)) for _ in range(runs_per_gpu)
              for group in groups][:at_once]
    share = shared(runs_per_gpu, cores // len(places)) if runs_per_gpu > 1 else {}
    return [{**place, **share} for place in places]


def run_locally(stages: Sequence[Stage], places: Sequence[Mapping[str, str]], root: Path,
                console: Console) -> list[str]:
    """Run every stage whose result is not there. A failure stops only the stages that need it.

    Returns:
        The names of the stages that have failed or could not be run.

    Raises:
        InUse: another command works on ``root``.
        OSError: the disk is full.
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after every process has stopped.
    """
    with whole_root(root):
        return _Schedule(stages, places, console).run()


@contextmanager
def whole_root(root: Path) -> Iterator[None]:
    """Let no other command work on ``root`` while the block runs.

    Raises:
        InUse: another command works on it already.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(root / 'lock'))
        except Held as error:
            raise InUse(f'{root}: in use by {error}; --status shows how far it is') from None
        yield


class _Schedule:

    def __init__(self, stages: Sequence[Stage], places: Sequence[Mapping[str, str]],
                 console: Console):
        self.stages, self.console = stages, console
        self.places: queue.SimpleQueue = queue.SimpleQueue()
        for place in places:
            self.places.put(place)
        self.at_once = len(places)
        self.states: dict[str, State] = {}
        self.running: dict[Stage, Future[Outcome]] = {}
        self.stopping = Event()
        self.no_space = ''

    def run(self) -> list[str]:
        # Handle SIGTERM as Ctrl-C: both raise KeyboardInterrupt here.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        with ThreadPoolExecutor(self.at_once) as pool, Live(
                console=self.console, refresh_per_second=1, transient=True) as live:
            try:
                self._look_back()
                while self._step(pool):
                    if self.console.is_terminal:
                        live.update(status_table(self.stages, self.at_once, self.states,
                                                 live=True))
                    time.sleep(0.1 if not self.console.is_terminal else REFRESH_SECONDS)
            except KeyboardInterrupt:
                say(self.console, 'Stopping: saving checkpoints.')
                raise
            finally:
                # The pool waits for its threads, which end early only if this event is set.
                self.stopping.set()
                signal.signal(signal.SIGTERM, before)
        if self.no_space:
            raise OSError(self.no_space)
        return [s.name for s in self.stages if self.states[s.name].kind != Status.DONE]

    def _look_back(self) -> None:
        """Find what an earlier command has done. Its failures are tried again."""
        for stage in self.stages:
            found = state_of(stage, self.states)
            self.states[stage.name] = (
                found if found.kind == Status.DONE else State(Status.WAITING, found.reason))
        done = sum(s.kind == Status.DONE for s in self.states.values())
        if done:
            say(self.console, f'{done} of {len(self.stages)} stages were done before.')

    def _step(self, pool: ThreadPoolExecutor) -> bool:
        """Collect the stages that have ended, and start those that can run.

        Returns:
            Whether any stage is running. If not, there is nothing more to do.
        """
        for stage, future in list(self.running.items()):
            if future.done():
                del self.running[stage]
                self._collect(stage, future.result())
        for stage in self.stages:
            if len(self.running) < self.at_once and self._can_start(stage):
                self.states[stage.name] = State(Status.RUNNING)
                self.running[stage] = pool.submit(self._run, stage)
        return bool(self.running)

    def _can_start(self, stage: Stage) -> bool:
        if self.no_space or self.states[stage.name].kind != Status.WAITING:
            return False
        needs = [self.states[need].kind for need in stage.needs]
        # A failure passes on to all that needs it, one stage at a time.
        if Status.FAILED in needs and not stage.after_failures:
            self.states[stage.name] = State(Status.FAILED, 'a stage that it needs has failed')
            return False
        return all(kind in ENDED for kind in needs)

    def _run(self, stage: Stage) -> Outcome:
        place = self.places.get()
        try:
            return run_stage(stage, place, self.stopping)
        finally:
            self.places.put(place)

    def _collect(self, stage: Stage, outcome: Outcome) -> None:
        # On a full disk, every stage would fail: start no more of them.
        if outcome.state == Status.NO_SPACE:
            self.no_space = outcome.reason.removeprefix('error: ')
        kind = outcome.state if outcome.state in ENDED else Status.STOPPED
        self.states[stage.name] = State(kind, outcome.reason)
        announce(self.console, stage, self.stages, self.states, self.at_once)
