"""Run a plan on a Slurm cluster through submitit, as arrays of jobs that depend on each other.

A job runs a training, and the test and the export that follow it. Slurm warns the job before its
time is up or its node is taken. The training then saves a checkpoint, and the job is queued again
and resumes from there.
"""
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from submitit import SlurmExecutor
from submitit.helpers import DelayedSubmission

from ..files import write_text
from .build_stages import read_stages
from .local import whole_root
from .plan import Plan
from .progress import announce, say, status_table
from .run_stage import POLL_SECONDS, last_line, run_stage
from .stage import Stage, State, examine
from .status import ENDED, Status

FOLLOWERS = ('test', 'export')  # kinds of stages that go into the job of the stage before them
ENDLESS = 10000  # how often a job may reach its time limit and be queued again
WATCH_SECONDS = 5.0
WORKING = ('RUNNING', 'COMPLETING')  # Slurm's names of the states in which a job works

Queue = Mapping[str, tuple[str, str]]  # the name of a stage -> (the id of its job, Slurm's state)


class SlurmError(RuntimeError):
    """Raised if Slurm does not answer, or refuses a job."""


class StageJob:
    """The work of one job: some stages of a plan, one after the other.

    It holds paths and names only, because submitit pickles it. The job reads the plan again.
    """

    def __init__(self, plan_file: Path, root: Path, names: Sequence[str]):
        self.plan_file, self.root, self.names = plan_file, root, tuple(names)

    def __call__(self) -> None:
        """Run the stages, until one of them does not end well.

        Raises:
            RuntimeError: a stage has failed. Slurm cancels the jobs that need it.
            SystemExit: Slurm has asked the job to stop.
        """
        outcomes: list[Any] = []
        # Run them in another thread: Python handles signals in this one, which must stay free to
        # do so and to wait until the stages have stopped.
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[outcomes])
        signal.signal(signal.SIGTERM, lambda *_: self._stopping.set())
        self._thread.start()
        self._wait()
        # The exit code tells Slurm, and so the jobs that depend on this one, how it ended.
        outcome = outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.state == Status.STOPPED:
            sys.exit(128 + signal.SIGTERM)
        if outcome.state != Status.DONE:
            raise RuntimeError(f'{outcome.state}: {outcome.reason}')

    def checkpoint(self) -> DelayedSubmission:
        """Stop the stages, which save where they are, and return the job that goes on there.

        submitit calls this method on Slurm's signal, and queues what it returns.
        """
        self._stopping.set()
        self._wait()
        return DelayedSubmission(StageJob(self.plan_file, self.root, self.names))

    def _wait(self) -> None:
        # Not join(): a signal may come while join() holds the thread's lock, and its handler waits
        # for the thread, too.
        while self._thread.is_alive():
            time.sleep(POLL_SECONDS)

    def _run(self, outcomes: list[Any]) -> None:
        try:
            plan, found, _ = read_stages(self.plan_file, self.root)
            stages = {stage.name: stage for stage in found}
            for name in self.names:
                outcome = run_stage(stages[name], _environment(plan), self._stopping)
                if outcome.state != Status.DONE:
                    break
            outcomes.append(outcome)
        except BaseException as error:  # the thread that waits raises it
            outcomes.append(error)


def _environment(plan: Plan) -> dict[str, str]:
    if plan.gpus_per_run:
        return {}  # Slurm sets which GPUs a job sees
    return dict(OMP_NUM_THREADS=str(plan.slurm.cpus), CUDA_VISIBLE_DEVICES='')


class Jobs:
    """The jobs of a root that Slurm still has, of those noted in ``<root>/slurm/jobs.json``."""

    def __init__(self, root: Path):
        self.path = root / 'slurm/jobs.json'

    def queue(self) -> Queue:
        """Return the job and its state for each stage whose job has not ended.

        Raises:
            SlurmError: Slurm does not answer.
        """
        try:
            ids = json.loads(self.path.read_text(encoding='utf-8'))
        except FileNotFoundError:
            return {}
        states = _squeue()
        return {name: (job, states[job]) for name, job in ids.items() if job in states}

    def write(self, queue: Queue) -> None:
        """Note the ids of the jobs in ``queue``, for the next command."""
        write_text(self.path, json.dumps({name: job for name, (job, _) in queue.items()}, indent=1))


def _squeue() -> dict[str, str]:
    """Return the state of each job of the user that has not ended, by its id."""
    command = ['squeue', '--me', '--array', '--noheader', '--format=%i %T']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f'squeue: {error}. Run this on a machine with Slurm.') from None
    if done.returncode:
        raise SlurmError(f'squeue: {last_line(done.stderr)}')
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.strip())


def states_on_slurm(stages: Sequence[Stage], queue: Queue) -> dict[str, State]:
    """Return the state of every stage, by name.

    The disk tells which stages are done or run. For other stages of a queued job, Slurm's state
    counts.
    """
    found = examine(stages)
    for stage in stages:
        if stage.name not in queue or found[stage.name].kind in (Status.DONE, Status.RUNNING):
            continue
        # A job runs several stages in turn. The first of them that is not done is the one at work.
        job, state = queue[stage.name]
        begun = state in WORKING and all(found[n].kind == Status.DONE or n not in found
                                         for n in stage.needs)
        found[stage.name] = (State(Status.RUNNING) if begun else
                             State(Status.QUEUED, f'job {job}, {state.lower()}'))
    return found


def run_on_slurm(plan: Plan, plan_file: Path, stages: Sequence[Stage], root: Path,
                 console: Console) -> list[str]:
    """Queue jobs for all stages that are neither done nor queued, and watch the jobs to their end.

    Returns:
        The names of the stages that have failed or could not be run.

    Raises:
        InUse: another command works on ``root``.
        SlurmError: there is no Slurm, or it refuses a job.
        KeyboardInterrupt: on Ctrl-C. The jobs go on.
    """
    jobs = Jobs(root)
    with whole_root(root):
        _queue_what_is_open(plan, plan_file, stages, root, jobs)
        queue = jobs.queue()
        if queue:
            say(console, f'Jobs in the queue: {len({job for job, _ in queue.values()})}. Ctrl-C '
                         'leaves them there; the same command, or --status, shows them again.')
        return _watch(stages, jobs, console)


def _queue_what_is_open(plan: Plan, plan_file: Path, stages: Sequence[Stage], root: Path,
                        jobs: Jobs) -> None:
    queue = dict(jobs.queue())
    states = examine(stages)
    open_stages = [s for s in stages if s.name not in queue and states[s.name].kind != Status.DONE]
    for array in arrays(open_stages, queue):
        after = sorted({queue[need][0] for need in array[0][0].needs if need in queue})
        ids = _submit(plan, array[0][0], root, after, [
            StageJob(plan_file, root, [stage.name for stage in job]) for job in array])
        queue.update({s.name: (i, '') for job, i in zip(array, ids, strict=True) for s in job})
        # Note each array at once: if this command ends here, the next one must know of it.
        jobs.write(queue)


def arrays(stages: Sequence[Stage], queued: Collection[str] = ()) -> list[list[list[Stage]]]:
    """Group stages into jobs, and jobs into arrays.

    A job is a list of stages that run one after the other. The jobs of an array are of one kind and
    need the same stages. No array needs a later one.

    Args:
        stages: the stages, each after those that it needs.
        queued: the names of stages that were given to Slurm before.
    """
    job_of: dict[str, list[Stage]] = {}
    found: dict[tuple, list[list[Stage]]] = {}
    for stage in stages:
        # A test or an export joins the job whose last stage is the only one that it waits for.
        needs = [need for need in stage.needs if need in job_of]
        if stage.kind in FOLLOWERS and len(needs) == 1 and job_of[needs[0]][-1].name == needs[0]:
            job = job_of[needs[0]]
        else:
            job = []
            waits = tuple(n for n in stage.needs if n in job_of or n in queued)
            found.setdefault((stage.kind, stage.processes, waits), []).append(job)
        job.append(stage)
        job_of[stage.name] = job
    return list(found.values())


def _submit(plan: Plan, first: Stage, root: Path, after: Sequence[str],
            jobs: Sequence[StageJob]) -> list[str]:
    """Submit one array of jobs.

    The jobs start when those in ``after`` have ended well, or have ended in any way if the stage
    ``first`` also runs after failures.

    Returns:
        The ids of the jobs.
    """
    settings, processes = plan.slurm, max(1, first.processes)
    more: dict[str, Any] = {'requeue': True, **settings.more}
    # Without kill-on-invalid-dep, jobs whose needs have failed would stay in the queue.
    if after:
        kind = 'afterany' if first.after_failures else 'afterok'
        more.update({'dependency': ':'.join([kind, *after]), 'kill-on-invalid-dep': 'yes'})
    memory = settings.memory_gb and f'{round(settings.memory_gb * 1024 * processes)}M'
    try:
        executor = SlurmExecutor(root / 'slurm', max_num_timeout=ENDLESS)
        executor.update_parameters(
            job_name=f'{plan.name}-{first.kind}', partition=settings.partition,
            time=settings.minutes, nodes=1, ntasks_per_node=1,
            cpus_per_task=settings.cpus * processes, gpus_per_node=first.processes or None,
            mem=memory, signal_delay_s=settings.signal_seconds,
            array_parallelism=plan.at_once or len(jobs), stderr_to_stdout=True,
            additional_parameters=more)
        return [job.job_id for job in executor.submit_array(jobs)]
    except (RuntimeError, subprocess.CalledProcessError) as error:  # submitit raises these
        raise SlurmError(f'{first.kind} jobs: {last_line(str(error))}') from None


def _watch(stages: Sequence[Stage], jobs: Jobs, console: Console) -> list[str]:
    # Stages that had ended before the first look are not announced: told is None then.
    told: set[str] | None = None
    trouble = ''
    with Live(console=console, refresh_per_second=1, transient=True) as live:
        while True:
            try:
                queue = jobs.queue()
            except SlurmError as error:  # Slurm's controller may be unreachable for a while
                if str(error) != trouble:
                    say(console, f'warning: {error}; asking again')
                trouble = str(error)
                time.sleep(WATCH_SECONDS)
                continue
            # Announce what has ended since the last look.
            states = states_on_slurm(stages, queue)
            running = sum(state.kind == Status.RUNNING for state in states.values())
            ended = {name for name, state in states.items()
                     if state.kind in (*ENDED, Status.STOPPED) and name not in queue}
            for stage in stages:
                if told is not None and stage.name in ended - told:
                    announce(console, stage, stages, states, running)
            told = ended
            if not queue:
                return [name for name, state in states.items() if state.kind != Status.DONE]
            if console.is_terminal:
                live.update(status_table(stages, running, states, live=True))
            time.sleep(WATCH_SECONDS)
