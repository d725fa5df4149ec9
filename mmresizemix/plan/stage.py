"""One step of a plan, and its state: whether its result is there and belongs to today's inputs."""
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .stage_record import StageRecord, is_held, plain
from .status import ENDED, Status


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a plan: one of our tools, run in a process of its own.

    Args:
        name: the name that people read.
        slug: the name that its files have.
        kind: 'check', 'leaks', 'draw', 'pretrain', 'test', 'export', 'finetune' or 'compare'.
        home: the folder of the records, logs and locks of all stages.
        command: returns program and arguments. It may depend on files that earlier stages write.
        needs: the names of the stages that must be done before.
        inputs: returns what the result depends on, by name. It is called when ``needs`` are done.
        missing: returns what part of the result is not there, or None if all of it is. It looks at
            the files, whatever the record says.
        folder: where the stage trains. It is moved aside when the inputs have changed.
        processes: the number of processes of a training, one per GPU.
        epochs: the number of epochs that it trains.
        batch: the number of pictures per step.
        trials: the number of trainings that choose a learning rate, before the one that counts.
        cost: a name that is equal for trainings of equal cost.
        measure: returns the command that measures this cost and writes it to a file.
        after_failures: whether it also runs if some of ``needs`` have failed.
        made_along: whether a stage that it needs may have made its result already.
    """
    name: str
    slug: str
    kind: str
    home: Path
    command: Callable[[], Sequence[str]]
    needs: tuple[str, ...] = ()
    inputs: Callable[[], Mapping[str, Any]] = field(default=dict)
    missing: Callable[[], str | None] = field(default=lambda: None)
    folder: Path | None = None
    processes: int = 0
    epochs: int = 0
    batch: int = 0
    trials: int = 0
    cost: str = ''
    measure: Callable[[Path], Sequence[str]] | None = None
    after_failures: bool = False
    made_along: bool = False

    @property
    def record(self) -> Path:
        """The file that says in which state it was left."""
        return self.home / f'{self.slug}.json'

    @property
    def log(self) -> Path:
        """The file that holds what its processes printed."""
        return self.home / f'{self.slug}.log'

    @property
    def lock(self) -> Path:
        """The file that is locked while it runs."""
        return self.home / f'{self.slug}.lock'

    def set_aside(self) -> Path | None:
        """Move the folder of a training with other inputs out of the way, without deleting it.

        Returns:
            Where the folder is now, or None if there was none.
        """
        if self.folder is None or not self.folder.exists():
            return None
        # An earlier folder of this stage may be there already, so count on to a free name.
        number = 1
        while (kept := self.home.parent / 'stale' / f'{self.slug}-{number}').exists():
            number += 1
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder, kept)
        return kept


@dataclass(frozen=True)
class State:
    """The state of a stage.

    Args:
        kind: any state but STARTED and NO_SPACE.
        reason: why the stage would run, why it failed, what it waits for, or where it is queued.
    """
    kind: Status
    reason: str = ''


def examine(stages: Sequence[Stage]) -> dict[str, State]:
    """Return the state of every stage, by name. ``stages`` must list each after those it needs."""
    found: dict[str, State] = {}
    for stage in stages:
        found[stage.name] = state_of(stage, found)
    return found


def state_of(stage: Stage, before: Mapping[str, State]) -> State:
    """Return the state of ``stage``, given the states of the stages that it needs."""
    if is_held(stage.lock):
        return State(Status.RUNNING)
    # Before its needs have ended, its inputs cannot be read.
    ends = ENDED if stage.after_failures else (Status.DONE, )
    open_needs = [n for n in stage.needs if before[n].kind not in ends]
    if open_needs:
        return State(Status.WAITING, f'after {", ".join(open_needs[:2])}'
                     + (f' and {len(open_needs) - 2} more' if len(open_needs) > 2 else ''))
    record = StageRecord.read(stage.record)
    missing = stage.missing()
    if record is None:
        return State(Status.NEW, 'never run')
    # A change of inputs comes first: it makes a result stale and gives a failed stage a new try.
    changed = changes(record.inputs, plain(stage.inputs()))
    if changed:
        return State(Status.STALE, changed)
    if record.state == Status.FAILED:
        return State(Status.FAILED, record.reason or '')
    if record.state == Status.DONE and missing is None:
        return State(Status.DONE)
    return State(Status.STOPPED, record.reason or missing
                 or 'interrupted before it was recorded as done')


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return one line that says which inputs have changed, or '' if none has."""
    names = [n for n in sorted(set(before) | set(now)) if before.get(n) != now.get(n)]
    if not names:
        return ''
    shown = ', '.join(f'{n}: {_short(before.get(n))} -> {_short(now.get(n))}' for n in names[:3])
    return f'changed: {shown}' + (f' and {len(names) - 3} more' if len(names) > 3 else '')


def _short(value: Any) -> str:
    text = 'nothing' if value is None else str(value)
    return text if len(text) <= 24 else f'{text[:21]}...'
