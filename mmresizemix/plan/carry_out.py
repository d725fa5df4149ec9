"""What ``tools/transfer.py`` does with a plan."""
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from rich.console import Console

from ..progress import progress_bar
from ..results.make import REPORT
from .budget import Budget
from .estimate import estimate, estimate_table, seeds_table
from .local import InUse, run_locally, slots
from .plan import Plan, PlanError
from .progress import say, status_table
from .record import DONE
from .slurm import Jobs, SlurmError, run_on_slurm, states_on_slurm
from .stage import RUNNING, Stage, State
from .stages import read_stages


def carry_out(plan_file: str | Path, root: Path, executor: str, gpus: int, only: str | None,
              console: Console, budget: Budget | None = None) -> int:
    """Run what is not done; the exit code: 0, or 1 where a stage has failed.

    Args:
        executor: 'local' or 'slurm'.
        gpus: of this machine, for 'local'.
        budget: of a plan without detectors: carried out small, on one's own pictures, here.

    Raises:
        PlanError: the plan cannot be carried out so.
    """
    if budget and executor == 'slurm':
        raise PlanError('--budget: expected --executor local: it is made for this machine')
    plan, stages = _read(plan_file, root, only, console, budget)
    if budget:
        say(console, budget.remark)
    if executor == 'slurm':
        failed = run_on_slurm(plan, Path(plan_file).resolve(), stages, root.resolve(), console)
    else:
        queued = Jobs(root).queue()
        if queued:
            raise InUse(f'{root}: in use by {len(queued)} stages in the queue of Slurm: go on with '
                        '--executor slurm, or scancel its jobs')
        failed = run_locally(stages, _places(plan, gpus), root, console)
    report = root / 'comparison' / REPORT
    if report.is_file():
        say(console, f'Report: {report}')
    if failed:
        say(console, f'Failed, or needs what failed: {", ".join(failed)}. Logs: '
                     f'{root / "stages"}. The same command tries again.')
    return 1 if failed else 0


def _places(plan: Plan, gpus: int) -> list[dict[str, str]]:
    return slots(gpus, plan.gpus_per_run, plan.at_once, plan.runs_per_gpu)


def show_status(plan_file: str | Path, root: Path, only: str | None, console: Console,
                budget: Budget | None = None) -> int:
    """How far the plan is, as far as the disk and Slurm tell."""
    _, stages = _read(plan_file, root, only, console, budget)
    states = _look(stages, root, console)
    running = sum(state.kind == RUNNING for state in states.values())
    console.print(status_table(stages, running, states))
    return 0


def show_estimate(plan_file: str | Path, root: Path, gpus: int, only: str | None,
                  console: Console, budget: Budget | None = None) -> int:
    """Hours, GPU hours and disk, measured here, and the seeds that the question needs."""
    plan, stages = _read(plan_file, root, only, console, budget)
    places = _places(plan, gpus)
    with progress_bar('measuring') as progress:
        lines = estimate(stages, root / 'estimate', places[0], progress)
    console.print(estimate_table(lines, len(places)))
    console.print(seeds_table())
    return 0


def show_what_would_run(plan_file: str | Path, root: Path, only: str | None,
                        console: Console, budget: Budget | None = None) -> int:
    """Every stage that is not done, with the reason."""
    _, stages = _read(plan_file, root, only, console, budget)
    states = _look(stages, root, console)
    for stage in stages:
        state = states[stage.name]
        if state.kind != DONE:
            say(console, ', '.join(filter(None, [f'{stage.name}: {state.kind}', state.reason])))
    done = sum(s.kind == DONE for s in states.values())
    say(console, f'{done} of {len(stages)} stages are done.')
    return 0


def _look(stages: Sequence[Stage], root: Path, console: Console) -> dict[str, State]:
    try:
        queue = Jobs(root).queue()
    except SlurmError as error:
        say(console, f'warning: {error}\nWhat follows is what the disk tells.')
        queue = {}
    return states_on_slurm(stages, queue)


def _read(plan_file: str | Path, root: Path, only: str | None, console: Console,
          budget: Budget | None) -> tuple[Plan, list[Stage]]:
    plan, stages, warnings = read_stages(plan_file, root, budget)
    for warning in warnings:
        say(console, f'warning: {warning}')
    return plan, _chosen(stages, only) if only else stages


def _chosen(stages: Sequence[Stage], pattern: str) -> list[Stage]:
    """Stages whose names match, and what they need."""
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
