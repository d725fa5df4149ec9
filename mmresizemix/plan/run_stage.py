"""Run one stage to its end: take its lock, keep its record, start its process, judge the outcome.

Both the local schedule and the jobs of a cluster use this module.
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

from ..console.command import DISK_FULL
from .stage import Stage, changes
from .stage_record import Held, StageRecord, lock, plain
from .status import ENDED, Status

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60  # between asking a process to stop and killing it
SILENCE_SECONDS = 3600  # a process that writes nothing to its log for so long counts as hung
ATTEMPTS = 3  # for a stage whose process was killed, hung, or lost a worker
TAIL = 12  # the number of lines of a log that are shown
BEGIN = '== attempt of '  # the first words of each attempt in the log

# Causes that the end of a log can tell: (pattern, its common name, whether to try again).
CAUSES = (
    (r'DiskFullError|No space left on device', 'the disk is full', False),
    (r'CUDA out of memory|OutOfMemoryError|can\'t allocate memory', 'out of memory', False),
    (r'weights are not finite|loss become infinite or NaN', 'NaN', False),
    (r'DataLoader worker .* (is killed|exited)', 'a loader worker died', True),
    (r'DataLoader timed out', 'a loader worker hung', True),
    (r'exitcode\s*: (-\d|1[34]\d)', 'a process was killed', True))  # as torchrun reports it
# Slurm sends these signals to all processes of a job before it stops them. The trainings handle
# them, but torchrun would die of them. A signal that the shell ignores stays ignored in the
# program that the shell then executes.
DEAF = ('sh', '-c', "trap '' USR1 USR2; exec \"$@\"", 'sh')


@dataclass(frozen=True)
class Outcome:
    """The outcome of a stage. ``state`` is DONE, FAILED, STOPPED (on request) or NO_SPACE."""
    state: Status
    reason: str = ''


def run_stage(stage: Stage, environment: Mapping[str, str], stopping: Event,
              silence: float = SILENCE_SECONDS) -> Outcome:
    """Run ``stage`` unless its result is there. Try again after a failure that may be temporary.

    Args:
        environment: variables that are added to the environment of this process.
        stopping: once it is set, the process is stopped and the outcome is 'stopped'.
        silence: the number of seconds without a line in the log after which a process counts as
            hung and is killed.
    """
    while not stopping.is_set():
        try:
            with lock(stage.lock) as held:
                return _run(stage, environment, stopping, silence, held)
        except Held:
            # A process whose driver was killed still runs and holds the lock of its stage. Wait
            # for its end: a second process would write to the same files.
            stopping.wait(POLL_SECONDS)
    return Outcome(Status.STOPPED)


def _run(stage: Stage, environment: Mapping[str, str], stopping: Event, silence: float,
         held: int) -> Outcome:
    inputs = plain(stage.inputs())
    before = StageRecord.read(stage.record)
    # Move the result of other inputs away, or the training would resume from its checkpoint.
    if before is not None and changes(before.inputs, inputs):
        stage.set_aside()
        before = None
    # A result that is there counts if the record says so, or if an earlier stage may have made it.
    if stage.missing() is None and (stage.made_along or (before and before.state == Status.DONE)):
        return _end(stage, before or StageRecord(Status.DONE, inputs), Outcome(Status.DONE))
    # Write the record before each attempt: if this process is killed, it says 'started'.
    record = StageRecord(Status.STARTED, inputs, seconds=before.seconds if before else 0.0)
    for attempt in range(1, ATTEMPTS + 1):
        record = replace(record, command=[*stage.command()], attempts=attempt, began=time.time())
        record.write(stage.record)
        outcome, again = _attempt(stage, record, environment, stopping, silence, held)
        record = replace(record, seconds=record.seconds + time.time() - record.began)
        if not again:
            break
    return _end(stage, record, outcome)


def _end(stage: Stage, record: StageRecord, outcome: Outcome) -> Outcome:
    # A stage that was stopped, or found no space, stays 'started': it goes on at the next command.
    state = outcome.state if outcome.state in ENDED else Status.STARTED
    replace(record, state=state, reason=outcome.reason or None).write(stage.record)
    return outcome


def _attempt(stage: Stage, record: StageRecord, environment: Mapping[str, str], stopping: Event,
             silence: float, held: int) -> tuple[Outcome, bool]:
    """Run the process once. Return the outcome, and whether another attempt may end better."""
    with open(stage.log, 'ab') as log:
        log.write(f'{BEGIN}{time.strftime("%Y-%m-%d %H:%M:%S")}: '
                  f'{shlex.join(record.command)}\n'.encode())
        log.flush()
        # The process inherits the lock (pass_fds), so that it stays locked if this one is killed.
        # In its own session, Ctrl-C does not reach it: this process passes the request on.
        process = subprocess.Popen(
            [*DEAF, *record.command], stdout=log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env={**os.environ, **environment}, pass_fds=(held, ),
            start_new_session=True)
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
        return Outcome(Status.FAILED, f'hung: no line in its log for {silence / 60:.0f} min'), True
    # A process that ended well in spite of the request has its result, and is judged by that.
    if stopping.is_set() and process.returncode != 0:
        return Outcome(Status.STOPPED), False
    return _judge(stage, process.returncode)


def _judge(stage: Stage, code: int) -> tuple[Outcome, bool]:
    tail = last_lines(stage)
    cause, again = next(((name, again) for pattern, name, again in CAUSES
                         if re.search(pattern, tail)), ('', False))
    # An exit code of 0 is not enough: the result must be there.
    if code == 0:
        missing = stage.missing()
        return (Outcome(Status.DONE) if missing is None else
                Outcome(Status.FAILED, f'ended well, but {missing}')), False
    if code == DISK_FULL or cause == 'the disk is full':
        return Outcome(Status.NO_SPACE, last_line(tail)), False
    # Popen reports a process killed by signal n as -n. A shell, and our tools, exit with 128 + n.
    number = -code if code < 0 else code - 128
    if number in signal.valid_signals():
        name = signal.Signals(number).name
        return Outcome(Status.FAILED, f'killed by {name}' + (
            ' (by the system, if memory ran out)' if name == 'SIGKILL' else '')), True
    return Outcome(Status.FAILED, f'{cause or "exit code " + str(code)}: {last_line(tail)}'), again


def last_lines(stage: Stage, count: int = TAIL) -> str:
    """Return the last ``count`` lines of the log of the stage's last attempt."""
    if not stage.log.is_file():
        return ''
    with open(stage.log, 'rb') as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 16384))
        text = log.read().decode(errors='replace').rpartition(BEGIN)[2]
    return '\n'.join(text.splitlines()[-count:])


def last_line(text: str) -> str:
    """Return the last line of ``text`` that is not blank, or '' if there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), '')


def stop(process: subprocess.Popen) -> None:
    """Ask a process to stop, wait for up to :data:`PATIENCE_SECONDS`, then kill what is left of it
    and its children."""
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    # The process leads a group of its own, which its children belong to.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # none is left
    process.wait()
