"""One step of a plan, and where it stands: is its result there, and is it of today's inputs?"""
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .record import DONE, FAILED, Record, is_held, plain

RUNNING, QUEUED, WAITING = 'running', 'queued', 'waiting'
STALE, NEW, STOPPED = 'stale', 'new', 'stopped'


@dataclass(frozen=True, eq=False)
class Stage:
    """One of our tools in a process of its own.

    Args:
        name: as people read it; ``slug``: as files are named.
        kind: 'check', 'draw', 'pretrain', 'test', 'export', 'finetune' or 'compare'.
        home: folder of records, logs and locks of all stages.
        command: program and arguments; may depend on files that earlier stages write.
        needs: names of stages that must be done before.
        inputs: what the result depends on, by name; asked when ``needs`` are done.
        missing: what of its result is not there, or None; nothing is taken on trust.
        folder: where it trains, moved aside when its inputs have changed.
        processes: of a training, one a GPU.
        epochs: that it trains, ``batch`` pictures a step.
        cost: names what the training of its config costs; ``measure`` is the command that finds
            it out and writes it to a file.
        after_failures: run also when some of ``needs`` have failed.
        made_along: what it needs may have made its result, too.
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
    cost: str = ''
    measure: Callable[[Path], Sequence[str]] | None = None
    after_failures: bool = False
    made_along: bool = False

    @property
    def record(self) -> Path:
        """The file that says how it ended."""
        return self.home / f'{self.slug}.json'

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.home / f'{self.slug}.log'

    @property
    def lock(self) -> Path:
        """Held while it runs."""
        return self.home / f'{self.slug}.lock'

    def set_aside(self) -> Path | None:
        """Move what was trained of other inputs out of the way; nothing is deleted."""
        if self.folder is None or not self.folder.exists():
            return None
        number = 1
        while (kept := self.home.parent / 'stale' / f'{self.slug}-{number}').exists():
            number += 1
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder, kept)
        return kept


@dataclass(frozen=True)
class State:
    """``kind``: 'done', 'running', 'queued', 'waiting', 'new', 'stale', 'stopped' or 'failed';
    ``reason`` says why it would run, or where it is queued."""
    kind: str
    reason: str = ''


def examine(stages: Sequence[Stage]) -> dict[str, State]:
    """Where every stage stands, by name; in the order of ``stages``, needs first."""
    found: dict[str, State] = {}
    for stage in stages:
        found[stage.name] = state_of(stage, found)
    return found


def state_of(stage: Stage, before: Mapping[str, State]) -> State:
    """Where ``stage`` stands, given the states of what it needs."""
    if is_held(stage.lock):
        return State(RUNNING)
    ends = (DONE, FAILED) if stage.after_failures else (DONE, )
    open_needs = [n for n in stage.needs if before[n].kind not in ends]
    if open_needs:
        return State(WAITING, f'after {", ".join(open_needs[:2])}'
                     + (f' and {len(open_needs) - 2} more' if len(open_needs) > 2 else ''))
    record = Record.read(stage.record)
    missing = stage.missing()
    if record is None:
        return State(NEW, 'never run')
    changed = changes(record.inputs, plain(stage.inputs()))
    if changed:
        return State(STALE, changed)
    if record.state == FAILED:
        return State(FAILED, record.reason or '')
    if record.state == DONE and missing is None:
        return State(DONE)
    return State(STOPPED, record.reason or missing or 'interrupted before it was noted as done')


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which inputs have changed, in a line; empty if none."""
    names = [n for n in sorted(set(before) | set(now)) if before.get(n) != now.get(n)]
    if not names:
        return ''
    shown = ', '.join(f'{n}: {_short(before.get(n))} -> {_short(now.get(n))}' for n in names[:3])
    return f'changed: {shown}' + (f' and {len(names) - 3} more' if len(names) > 3 else '')


def _short(value: Any) -> str:
    text = 'nothing' if value is None else str(value)
    return text if len(text) <= 24 else f'{text[:21]}...'
