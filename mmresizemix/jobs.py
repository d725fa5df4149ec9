"""Run commands that depend on each other, some at a time, showing the time left.

A job is done when its command ended well, its results are there and its marker says so; the marker
is written last, so an interrupted run goes on where it was.
"""
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .files import write_text

MARKER = 'done.json'
EPOCH_LINE = re.compile(rb'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
POLL_SECONDS = 0.3
PATIENCE_SECONDS = 10  # between asking a job to stop and killing it


@dataclass(frozen=True)
class Job:
    """One command.

    Args:
        name: shown to the user, and how other jobs refer to it.
        command: program and arguments.
        folder: where its log and its marker go; must be its own.
        needs: names of the jobs that must be done before.
        cost: expected duration, in any unit that is the same for all jobs.
        epochs: how many its log counts, for progress within the job; 0: it logs none.
        complete: whether its results are there, asked once the command ended well.
        repair: a command that makes them if not, e.g. when it was killed in its last validation.
    """
    name: str
    command: tuple[str, ...]
    folder: Path
    needs: tuple[str, ...] = ()
    cost: float = 1.0
    epochs: int = 0
    complete: Callable[[], bool] = field(default=lambda: True, compare=False)
    repair: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        return self.folder / 'job.log'

    def is_done(self) -> bool:
        marker = self.folder / MARKER
        return (marker.is_file() and json.loads(marker.read_text())['command'] == [*self.command]
                and self.complete())

    def mark_done(self) -> None:
        write_text(self.folder / MARKER, json.dumps(dict(command=self.command)))

    def fraction(self) -> float:
        """How much of it is done, read from the end of its log."""
        if not self.epochs or not self.log.is_file():
            return 0.0
        with self.log.open('rb') as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            lines = EPOCH_LINE.findall(log.read())
        if not lines:
            return 0.0
        epoch, step, steps = map(int, lines[-1])
        return min(1.0, (epoch - 1 + step / steps) / self.epochs)

    def start(self, command: tuple[str, ...], environment: dict[str, str]) -> subprocess.Popen:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open('ab') as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL, env={**os.environ, **environment},
                                    start_new_session=True)  # Ctrl-C is ours to pass on

    def last_lines(self, count: int = 15) -> str:
        return '\n'.join(self.log.read_text(errors='replace').splitlines()[-count:])


def run_jobs(jobs: list[Job], at_once: int, environment: dict[str, str],
             console: Console) -> list[str]:
    """Run all jobs that are not done, ``at_once`` at a time.

    A job that fails stops only those that need it.

    Returns:
        The names of the jobs that failed, or were left out since they need one that did.
    """
    return _Schedule(jobs, at_once, environment, console).run()


class _Schedule:

    def __init__(self, jobs: list[Job], at_once: int, environment: dict[str, str],
                 console: Console):
        self.jobs = {job.name: job for job in jobs}
        self.at_once, self.environment, self.console = at_once, environment, console
        self.waiting = list(self.jobs)
        self.running: dict[str, subprocess.Popen] = {}
        self.repaired: set[str] = set()
        self.done: set[str] = set()
        self.failed: list[str] = []
        self.started = time.monotonic()
        self.cost_before = 0.0

    def run(self) -> list[str]:
        for name in list(self.waiting):
            job = self.jobs[name]
            if all(need in self.done for need in job.needs) and job.is_done():
                self.waiting.remove(name)
                self.done.add(name)
        self.cost_before = self._cost_done()
        if self.done:
            self.console.print(f'{len(self.done)} of {len(self.jobs)} steps were done before.')
        with Progress(TextColumn('{task.description}'), BarColumn(),
                      TextColumn('{task.fields[eta]}'), TimeElapsedColumn(), console=self.console,
                      disable=not self.console.is_terminal) as progress:
            bar = progress.add_task('', total=1.0, eta='')
            try:
                while self.waiting or self.running:
                    self._start_ready()
                    time.sleep(POLL_SECONDS)
                    self._collect()
                    progress.update(bar, completed=self._share_done(), eta=self._time_left(),
                                    description=', '.join(self.running) or 'finishing')
            finally:
                self._stop_all()
        return self.failed

    def _start_ready(self) -> None:
        for name in list(self.waiting):
            needs = self.jobs[name].needs
            if any(need in self.failed for need in needs):
                self.waiting.remove(name)
                self.failed.append(name)
            elif len(self.running) < self.at_once and all(need in self.done for need in needs):
                self.waiting.remove(name)
                self.running[name] = self.jobs[name].start(self.jobs[name].command,
                                                           self.environment)

    def _collect(self) -> None:
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            del self.running[name]
            job = self.jobs[name]
            if process.returncode == 0 and job.complete():
                job.mark_done()
                self.done.add(name)
                self.console.print(f'[{len(self.done)}/{len(self.jobs)}] {name}: done. '
                                   f'{self._time_left()}', highlight=False, markup=False)
            elif process.returncode == 0 and job.repair and name not in self.repaired:
                self.repaired.add(name)
                self.running[name] = job.start(job.repair, self.environment)
            else:
                self.failed.append(name)
                self.console.print(f'{name} failed (exit code {process.returncode}). The end of '
                                   f'{job.log}:\n{job.last_lines()}', highlight=False, markup=False)

    def _cost_done(self) -> float:
        return sum(self.jobs[name].cost for name in self.done) + sum(
            self.jobs[name].cost * self.jobs[name].fraction() for name in self.running)

    def _share_done(self) -> float:
        return self._cost_done() / sum(job.cost for job in self.jobs.values())

    def _time_left(self) -> str:
        spent = self._cost_done() - self.cost_before
        if spent <= 0:
            return ''
        left = sum(job.cost for job in self.jobs.values()) - self._cost_done()
        seconds = (time.monotonic() - self.started) * left / spent
        shown = f'{seconds / 60:.1f} min' if seconds >= 60 else f'{seconds:.0f} s'
        return f'about {shown} left'

    def _stop_all(self) -> None:
        for process in self.running.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()


def _signal(process: subprocess.Popen, number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
