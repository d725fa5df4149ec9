"""The commands of ``tools/transfer.py``: run a plan, or show its state, cost or open stages."""
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from rich.console import Console

from ..console.progress_bar import progress_bar
from ..report.make import REPORT
from .budget import Budget
from .build_stages import read_stages
from .estimate import estimate, estimate_table, seeds_table
from .local import InUse, run_locally, slots
from .plan import Plan, PlanError
from .progress import say, status_table
from .slurm import Jobs, SlurmError, run_on_slurm, states_on_slurm
from .stage import Stage, State
from .status import Status

SHOWN = 4  # the number of failed stages that are named


def carry_out(plan_file: str | Path, root: Path, executor: str, gpus: int, only: str | None,
              console: Console, budget: Budget | None = None) -> int:
    """Run every stage that is not done.

    Args:
        root: the folder that everything is written to.
        executor: 'local' or 'slurm'.
        gpus: the number of GPUs of this machine to use, for 'local'.
        only: a pattern. Only stages whose names match it, and those that they need, are run. If
            None, all are.
        budget: carry out a plan without detectors small, on one's own pictures, on this machine.

    Returns:
        The exit code: 0, or 1 if a stage has failed.

    Raises:
        PlanError: the plan cannot be carried out in this way.
        InUse: another command works on ``root``, or stages of it are in the queue of Slurm.
        SlurmError: Slurm does not answer, or refuses a job.
    """
    if budget and executor == 'slurm':
        raise PlanError('--budget: expected --executor local: it runs on this machine only')
    plan, stages = _read(plan_file, root, only, console, budget)
    if budget:
        say(console, budget.remark)
    if executor == 'slurm':
        failed = run_on_slurm(plan, Path(plan_file).resolve(), stages, Path(os.path.realpath(root)),
                              console)
    else:
        # Jobs in the queue may start at any time, and would train the same stages.
        queued = Jobs(root).queue()
        if queued:
            raise InUse(f'{root}: in use by {len(queued)} stages in the queue of Slurm: go on with '
                        '--executor slurm, or cancel its jobs with scancel')
        failed = run_locally(stages, _places(plan, gpus), root, console)
    report = root / 'comparison' / REPORT
    if report.is_file():
        say(console, f'Report: {report}')
    if failed:
        more = f' and {len(failed) - SHOWN} more' if len(failed) > SHOWN else ''
        say(console, f'Failed, or needs a stage that failed: {", ".join(failed[:SHOWN])}{more}. '
                     f'Logs: {root / "stages"}. The same command tries them again.')
    return 1 if failed else 0


def _places(plan: Plan, gpus: int) -> list[dict[str, str]]:
    return slots(gpus, plan.gpus_per_run, plan.at_once, plan.runs_per_gpu)


def show_status(plan_file: str | Path, root: Path, only: str | None, console: Console,
                budget: Budget | None = None) -> int:
    """Show the progress of the plan, as far as the disk and Slurm tell. Return the exit code 0."""
    _, stages = _read(plan_file, root, only, console, budget)
    states = _look(stages, root, console)
    running = sum(state.kind == Status.RUNNING for state in states.values())
    console.print(status_table(stages, running, states))
    return 0


def show_estimate(plan_file: str | Path, root: Path, gpus: int, only: str | None,
                  console: Console, budget: Budget | None = None) -> int:
    """Show the hours, GPU hours and disk space that the plan takes, measured on this machine, and
    the seeds that its question needs. Return the exit code 0."""
    plan, stages = _read(plan_file, root, only, console, budget)
    places = _places(plan, gpus)
    with progress_bar('measuring') as progress:
        lines = estimate(stages, root / 'estimate', places[0], progress)
    console.print(estimate_table(lines, len(places)))
    console.print(seeds_table())
    return 0


def show_what_would_run(plan_file: str | Path, root: Path, only: str | None,
                        console: Console, budget: Budget | None = None) -> int:
    """List every stage that is not done, with the reason. Return the exit code 0."""
    _, stages = _read(plan_file, root, only, console, budget)
    states = _look(stages, root, console)
    for stage in stages:
        state = states[stage.name]
        if state.kind != Status.DONE:
            say(console, ', '.join(filter(None, [f'{stage.name}: {state.kind}', state.reason])))
    done = sum(s.kind == Status.DONE for s in states.values())
    say(console, f'{done} of {len(stages)} stages are done.')
    return 0


def _look(stages: Sequence[Stage], root: Path, console: Console) -> dict[str, State]:
    try:
        queue = Jobs(root).queue()
    except SlurmError as error:
        say(console, f'warning: {error}\nThe states below are those on the disk.')
        queue = {}
    return states_on_slurm(stages, queue)


def _read(plan_file: str | Path, root: Path, only: str | None, console: Console,
          budget: Budget | None) -> tuple[Plan, list[Stage]]:
    plan, stages, warnings = read_stages(plan_file, root, budget)
    for warning in warnings:
        say(console, f'warning: {warning}')
    return plan, _chosen(stages, only) if only else stages


def _chosen(stages: Sequence[Stage], pattern: str) -> list[Stage]:
    """Return the stages whose names match ``pattern``, and all that they need, in their order."""
    by_name = {stage.name: stage for stage in stages}
    wanted = [s.name for s in stages if fnmatch(s.name, pattern)]
    if not wanted:
        raise PlanError(f'--only: no stage matches {pattern!r}; --dry-run lists them')
    kept: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept.add(name)
            wanted += by_name[name].needs
    return [stage for stage in stages if stage.name in kept]
