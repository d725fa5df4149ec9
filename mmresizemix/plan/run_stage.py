"""Run one stage to its end: its lock, its record, its process, and what became of it.

Serves the local schedule and a job of a cluster alike.
"""
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event

from ..command import DISK_FULL
from .record import DONE, FAILED, STARTED, Held, Record, lock, plain
from .stage import Stage, changes

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60  # between asking a process to stop and killing it
SILENCE_SECONDS = 3600  # without a line in its log, after which a process is taken for hung
ATTEMPTS = 3  # of a stage whose process was killed, hung, or lost a worker
TAIL = 12  # lines of a log that are shown
BEGIN = '== attempt of '  # begins the log of each

STOPPED, NO_SPACE = 'stopped', 'no space'
CAUSES = (  # what the end of a log tells: pattern, what people call it, worth another attempt
    (r'DiskFullError|No space left on device', 'the disk is full', False),
    (r'CUDA out of memory|OutOfMemoryError|can\'t allocate memory', 'out of memory', False),
    (r'weights are not finite|loss become infinite or NaN', 'NaN', False),
    (r'DataLoader worker .* (is killed|exited)', 'a loader worker died', True),
    (r'DataLoader timed out', 'a loader worker hung', True),
    (r'exitcode\s*: (-\d|1[34]\d)', 'a process was killed', True))  # as torchrun tells of it
# Slurm warns by these, and all processes; the trainings heed them, torchrun would die of them.
DEAF = ('sh', '-c', "trap '' USR1 USR2; exec \"$@\"", 'sh')


@dataclass(frozen=True)
class Outcome:
    """``state``: 'done', 'failed', 'stopped' (on request) or 'no space'."""
    state: str
    reason: str = ''


def run_stage(stage: Stage, environment: Mapping[str, str], stopping: Event,
              silence: float = SILENCE_SECONDS) -> Outcome:
    """Run ``stage`` unless its result is there; try again what may pass.

    A process that outlived its driver (which was killed) still holds the stage's lock: it is
    waited for, not started twice.

    Args:
        environment: added to this process's own.
        stopping: once set, the process is stopped and the outcome is 'stopped'.
        silence: seconds without a line in the log after which a process is killed as hung.
    """
    while not stopping.is_set():
        try:
            with lock(stage.lock) as held:
                return _run(stage, environment, stopping, silence, held)
        except Held:
            stopping.wait(POLL_SECONDS)
    return Outcome(STOPPED)


def _run(stage: Stage, environment: Mapping[str, str], stopping: Event, silence: float,
         held: int) -> Outcome:
    inputs = plain(stage.inputs())
    before = Record.read(stage.record)
    if before is not None and changes(before.inputs, inputs):
        stage.set_aside()
        before = None
    if stage.missing() is None and (stage.made_along or (before and before.state == DONE)):
        return _end(stage, before or Record(DONE, inputs), Outcome(DONE))
    record = Record(STARTED, inputs, seconds=before.seconds if before else 0.0)
    for attempt in range(1, ATTEMPTS + 1):
        record = replace(record, command=[*stage.command()], attempts=attempt, began=time.time())
        record.write(stage.record)
        outcome, again = _attempt(stage, record, environment, stopping, silence, held)
        record = replace(record, seconds=record.seconds + time.time() - record.began)
        if not again:
            break
    return _end(stage, record, outcome)


def _end(stage: Stage, record: Record, outcome: Outcome) -> Outcome:
    state = outcome.state if outcome.state in (DONE, FAILED) else STARTED
    replace(record, state=state, reason=outcome.reason or None).write(stage.record)
    return outcome


def _attempt(stage: Stage, record: Record, environment: Mapping[str, str], stopping: Event,
             silence: float, held: int) -> tuple[Outcome, bool]:
    """(what became of it, whether another attempt may end better)."""
    with open(stage.log, 'ab') as log:
        log.write(f'{BEGIN}{time.strftime("%Y-%m-%d %H:%M:%S")}: '
                  f'{shlex.join(record.command)}\n'.encode())
        log.flush()
        process = subprocess.Popen(
            [*DEAF, *record.command], stdout=log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env={**os.environ, **environment}, pass_fds=(held, ),
            start_new_session=True)  # Ctrl-C is ours to pass on
    hung = False
    try:
        while process.poll() is None and not stopping.wait(POLL_SECONDS):
            hung = time.time() - max(stage.log.stat().st_mtime, record.began) > silence
            if hung:
                break
    finally:
        if process.poll() is None:
            stop(process)
    if hung:
        return Outcome(FAILED, f'hung: no line in its log for {silence / 60:.0f} min'), True
    if stopping.is_set() and process.returncode != 0:
        return Outcome(STOPPED), False
    return _judge(stage, process.returncode)


def _judge(stage: Stage, code: int) -> tuple[Outcome, bool]:
    tail = last_lines(stage)
    cause, again = next(((name, again) for pattern, name, again in CAUSES
                         if re.search(pattern, tail)), ('', False))
    if code == 0:
        missing = stage.missing()
        return (Outcome(DONE) if missing is None else
                Outcome(FAILED, f'ended well, but {missing}')), False
    if code == DISK_FULL or cause == 'the disk is full':
        return Outcome(NO_SPACE, last_line(tail)), False
    number = -code if code < 0 else code - 128
    if number in signal.valid_signals():
        name = signal.Signals(number).name
        return Outcome(FAILED, f'killed by {name}' + (
            ' (by the system, if memory ran out)' if name == 'SIGKILL' else '')), True
    return Outcome(FAILED, f'{cause or "exit code " + str(code)}: {last_line(tail)}'), again


def last_lines(stage: Stage, count: int = TAIL) -> str:
    """The end of the log of its last attempt."""
    if not stage.log.is_file():
        return ''
    with open(stage.log, 'rb') as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 16384))
        text = log.read().decode(errors='replace').rpartition(BEGIN)[2]
    return '\n'.join(text.splitlines()[-count:])


def last_line(text: str) -> str:
    """The last that says something; '' of nothing."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), '')


def stop(process: subprocess.Popen) -> None:
    """Ask a process to stop, which takes its children along; kill them all if it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # none is left
    process.wait()
