"""The progress of a plan, read from the files of its stages, from any shell on any machine."""
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ..runs.learning_rate_choice import LearningRateChoice
from ..runs.logs import HEADLINES
from .run_stage import last_lines
from .stage import Stage, State, examine
from .stage_record import StageRecord
from .status import Status

TRAINED = ('pretrain', 'finetune')
STEP = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\].*?eta: (?:(\d+) days?, )?'
                  r'(\d+):(\d+):(\d+)\s+time: ([\d.]+)')
METRIC = re.compile(rf'({"|".join(HEADLINES)}): ([\d.]+)')
TAIL_BYTES = 65536


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of a stage's training, as its log says.

    Args:
        epoch: the number of the current epoch.
        share: the share of the training that is done, in 0..1.
        left: seconds until the end of the training, or None if unknown.
        per_step: seconds per step, or None if unknown.
        metric: the last metric that was logged, with its name, or ''.
    """
    epoch: int = 0
    share: float = 0.0
    left: float | None = None
    per_step: float | None = None
    metric: str = ''


def read_progress(stage: Stage) -> TrainingProgress:
    """Read the progress of a stage from the end of its log."""
    if not stage.log.is_file():
        return TrainingProgress()
    # The log of a long training is large, and only its last lines are needed.
    with open(stage.log, 'rb') as log:
        log.seek(max(0, stage.log.stat().st_size - TAIL_BYTES))
        text = log.read().decode(errors='replace')
    metrics, steps = METRIC.findall(text), STEP.findall(text)
    metric = f'{HEADLINES[metrics[-1][0]]} {metrics[-1][1]}' if metrics else ''
    if not steps or not stage.epochs:
        return TrainingProgress(metric=metric)
    epoch, step, steps_an_epoch, days, hours, minutes, seconds, per_step = steps[-1]
    left = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    share = min(1.0, (int(epoch) - 1 + int(step) / int(steps_an_epoch)) / stage.epochs)
    # A training that chooses its learning rate comes after its trials, which are as long.
    if stage.trials:
        choice = LearningRateChoice.read(stage.folder) if stage.folder else None
        done = len(choice.scores) if choice else 0
        left += round((stage.trials - done) * stage.epochs * int(steps_an_epoch) * float(per_step))
        share = (done + share) / (stage.trials + 1)
    return TrainingProgress(int(epoch), share, left, float(per_step), metric)


@dataclass(frozen=True)
class TimeLeft:
    """The time that is left, in ``seconds``. If ``more``, there are also trainings whose time is
    unknown because none of their kind has run yet. ``seconds`` does not include them."""
    seconds: float
    more: bool = False

    def __str__(self) -> str:
        return f'{"more than" if self.more else "about"} {duration(self.seconds)} left'


def time_left(stages: Sequence[Stage], states: Mapping[str, State],
              at_once: int) -> TimeLeft | None:
    """Estimate the time left of the whole plan from what stages of the same group have taken.

    A stage whose group has not run yet counts as the mean of the groups of its kind. If no stage of
    its kind has run, it is not counted. :attr:`TimeLeft.more` says so for trainings only, because
    other stages are short.

    Returns:
        The time left, or None if nothing is known yet.
    """
    # Collect what a training of each group has taken, and the trainings that are still to run, by
    # group. A stage that chooses its learning rate has several.
    took: dict[str, list[float]] = defaultdict(list)
    left, open_kinds = 0.0, list[str]()
    for stage in stages:
        record = StageRecord.read(stage.record)
        kind, trainings = _kind(stage), 1 + stage.trials
        if states[stage.name].kind == Status.DONE:
            took[kind].append((record.seconds if record else 0.0) / trainings)
        elif states[stage.name].kind == Status.RUNNING:
            seconds = _left_of_running(stage, record)
            if seconds is None or record is None:
                open_kinds += [kind] * trainings
            else:
                left += seconds
                took[kind].append((time.time() - record.began + seconds) / trainings)
        elif states[stage.name].kind != Status.FAILED:
            open_kinds += [kind] * trainings
    # Add the mean of the group for each training to run, else the mean of the groups of its kind.
    means = {kind: sum(values) / len(values) for kind, values in took.items()}
    if open_kinds and not means:
        return None
    more = False
    for kind in open_kinds:
        first = kind.split()[0]
        kin = [means[kind]] if kind in means else [
            mean for name, mean in means.items() if name.split()[0] == first]
        left += sum(kin) / len(kin) if kin else 0.0
        more |= not kin and first in TRAINED
    return TimeLeft(left / max(1, at_once), more)


def _kind(stage: Stage) -> str:
    """Name the group of stages that take about the same time: the fine-tunings of one detector, all
    pretrainings, or all other stages of one kind."""
    return f'{stage.kind} {stage.folder.parent}' if stage.folder else stage.kind


def _left_of_running(stage: Stage, record: StageRecord | None) -> float | None:
    progress = read_progress(stage)
    if record is None or progress.left is None:
        return None
    spent = time.time() - record.began
    # The time that MMEngine logs as left includes training only. The time spent so far also
    # includes validation, but it fits the share that is done only in a first attempt: a later one
    # did not begin at the start. A small share gives no useful estimate.
    return max(progress.left, spent * (1 - progress.share) / max(progress.share, 1e-3)
               if record.attempts == 1 and progress.share > 0.05 else progress.left)


def status_table(stages: Sequence[Stage], at_once: int = 1,
                 states: Mapping[str, State] | None = None, live: bool = False) -> Table:
    """Return a table with one row per training, and the time left of the plan in its title.

    Other stages are shown only while they run, or if they have failed.

    Args:
        at_once: the number of stages that run at the same time.
        states: the states of the stages. If None, they are read from the disk.
        live: show only what runs or has failed, so that the table fits on a screen.
    """
    states = examine(stages) if states is None else states
    left = time_left(stages, states, at_once)
    done = sum(states[s.name].kind == Status.DONE for s in stages)
    table = Table(title=f'{done} of {len(stages)} stages done'
                  + (f', {left}' if left and left.seconds else ''), title_justify='left')
    for name in ('stage', 'state', 'epoch', 'images/s', 'left', 'last'):
        table.add_column(name, overflow='fold')
    for stage in stages:
        state = states[stage.name]
        if state.kind in (Status.RUNNING, Status.FAILED) or (stage.kind in TRAINED and not live):
            table.add_row(stage.name, *_cells(stage, state))
    return table


def _cells(stage: Stage, state: State) -> tuple[str, ...]:
    progress = read_progress(stage) if state.kind != Status.WAITING else TrainingProgress()
    epoch = f'{progress.epoch}/{stage.epochs}' if progress.epoch else ''
    running = state.kind == Status.RUNNING
    shown = state.kind if state.kind in (Status.RUNNING, Status.DONE, Status.WAITING) else (
        f'{state.kind}: {state.reason}' if state.reason else state.kind)
    speed = f'{stage.batch / progress.per_step:.1f}' if progress.per_step and running else ''
    return (shown, epoch, speed,
            duration(progress.left) if progress.left and running else '', progress.metric)


def announce(console: Console, stage: Stage, stages: Sequence[Stage], states: Mapping[str, State],
             at_once: int) -> None:
    """Say how ``stage`` has ended, if it has."""
    state = states[stage.name]
    if state.kind == Status.FAILED:
        say(console, f'{stage.name}: FAILED, {state.reason}. The end of {stage.log}:\n'
                     f'{last_lines(stage)}')
    elif state.kind == Status.STOPPED:
        say(console, f'{stage.name}: stopped, {state.reason}')
    elif state.kind == Status.DONE:
        done = sum(s.kind == Status.DONE for s in states.values())
        left = time_left(stages, states, at_once)
        say(console, f'[{done}/{len(stages)}] {stage.name}: done.'
            + (f' {str(left).capitalize()}.' if left and left.seconds else ''))


def say(console: Console, text: str) -> None:
    """Print a text without highlighting or wrapping, so that paths can be copied from it."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """Return a time as a text like '45 s', '12 min', '3.5 h' or '2.1 days'."""
    for limit, unit, name in ((90, 1, 's'), (5400, 60, 'min'), (172800, 3600, 'h')):
        if seconds < limit:
            value = seconds / unit
            return f'{value:.1f} {name}' if unit == 3600 else f'{value:.0f} {name}'
    return f'{seconds / 86400:.1f} days'
