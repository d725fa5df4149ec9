"""An estimate of what a plan costs, measured on this machine, and of the seeds that it needs."""
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from ..console.progress_bar import Progress
from ..files import size_text
from ..results.contrasts import ASSUMED_SD
from ..results.statistics import seeds_needed
from .cost import Cost
from .progress import TRAINED, duration
from .run_stage import last_line
from .stage import Stage

KEPT = 4  # checkpoints per run: the two newest, the best, and one from an interruption
DIFFERENCES = (0.2, 0.3, 0.5, 1.0)  # in AP; those in Table 5 are 0.1 to 1.7


@dataclass(frozen=True)
class Line:
    """The runs of one config: their number, the GPUs of each, the cost of each, and the number of
    trainings that they take. A run that chooses its learning rate takes several."""
    name: str
    runs: int
    gpus: int
    cost: Cost
    trainings: int

    @property
    def seconds(self) -> float:
        """The time of all runs, one after the other."""
        return self.trainings * self.cost.seconds(max(1, self.gpus))

    @property
    def disk(self) -> int:
        """The number of bytes that all runs leave on the disk."""
        return self.trainings * KEPT * self.cost.checkpoint


def estimate(stages: Sequence[Stage], folder: Path, environment: Mapping[str, str],
             progress: Progress | None = None) -> list[Line]:
    """Measure each config of the plan once.

    Args:
        folder: the folder that keeps what was measured. A config is measured again if its inputs
            have changed.
        environment: variables that are added to the environment of the measuring processes.

    Raises:
        RuntimeError: a config cannot be run. The message ends with the last line that it printed.
    """
    # Trainings of equal cost have equal names, which contain a digest of their inputs.
    groups: dict[str, list[Stage]] = {}
    for stage in stages:
        if stage.kind in TRAINED:
            groups.setdefault(stage.cost, []).append(stage)
    lines = []
    for i, (name, members) in enumerate(groups.items()):
        out = folder / f'{name}.json'
        if not out.is_file():
            _measure(members[0], out, environment)
        lines.append(Line(name.rpartition('-')[0], len(members), members[0].processes,
                          Cost.read(out), sum(1 + stage.trials for stage in members)))
        if progress:
            progress(i + 1, len(groups))
    return lines


def _measure(stage: Stage, out: Path, environment: Mapping[str, str]) -> None:
    command = stage.measure(out) if stage.measure else ()
    done = subprocess.run(command, env={**os.environ, **environment},
                          capture_output=True, text=True)
    if done.returncode:
        said = last_line(done.stderr) or last_line(done.stdout) or 'no output'
        raise RuntimeError(f'{stage.name} cannot be measured: {said}')


def estimate_table(lines: Sequence[Line], at_once: int) -> Table:
    """Return a table with one row per config, and the sum of the plan."""
    table = Table(title='What the plan needs, from a few steps measured here', title_justify='left')
    for column in ('runs of', 'number', 'each', 'GPU hours', 'disk', 'memory'):
        table.add_column(column, justify='left' if column == 'runs of' else 'right')
    for line in lines:
        table.add_row(line.name, str(line.runs), duration(line.seconds / line.runs),
                      _hours(line.gpus * line.seconds), size_text(line.disk),
                      f'{line.cost.memory:.1f} GiB' if line.cost.memory else '')
    seconds = sum(line.seconds for line in lines) / at_once
    table.add_section()
    table.add_row(f'all, {at_once} at a time', str(sum(line.runs for line in lines)),
                  duration(seconds), _hours(sum(line.gpus * line.seconds for line in lines)),
                  size_text(sum(line.disk for line in lines)))
    return table


def _hours(gpu_seconds: float) -> str:
    return f'{gpu_seconds / 3600:.1f}' if gpu_seconds else 'none'


def seeds_table() -> Table:
    """Return a table of the runs per pretraining that show a difference with 80 % power, if the
    spread between seeds is as others have measured (mmdetection#2773, #3624)."""
    table = Table(title=f'Runs of each pretraining that decide a difference (80 % power, spread '
                  f'{ASSUMED_SD} AP between runs, images not counted)', title_justify='left')
    for difference in DIFFERENCES:
        table.add_column(f'{difference} AP', justify='right')
    # The error over images is left out (0.0), for it depends on the validation set.
    needed = [seeds_needed(d, ASSUMED_SD, ASSUMED_SD, image_se=0.0) for d in DIFFERENCES]
    table.add_row(*(str(n.n) if n.n else n.reason for n in needed))
    return table
