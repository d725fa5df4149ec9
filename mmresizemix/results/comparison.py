"""What a comparison is: columns, cells, differences from the baseline, verdicts. In AP points.

A column is a detector on a set under one config, a row is a pretraining, a cell holds its runs.
The unit of a claim about pretraining is the pretraining *run*: fine-tuning seeds over one
checkpoint are nested under it (:attr:`Cell.replicas`).
"""
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .evaluation import Evaluation
from .run import BASELINE, RANDOM, RANDOM_UNVERIFIED, TOP1, Fault, Run
from .statistics import (
    Combined,
    ExactP,
    Interval,
    ProbabilityOfImprovement,
    SeedDifference,
    SeedsNeeded,
    mean_interval,
)

NAMES = {BASELINE: 'baseline', 'resizemix': 'ResizeMix', 'cutmix': 'CutMix', 'mixup': 'Mixup',
         'resizemix-persample': 'ResizeMix (per sample)',
         'cutmix-persample': 'CutMix (per sample)',
         'mmpretrain-resizemix': "MMPretrain's ResizeMix", RANDOM: 'random weights',
         RANDOM_UNVERIFIED: 'random weights (unverified)'}
FROM_SCRATCH = (NAMES[RANDOM], NAMES[RANDOM_UNVERIFIED])  # rows that are no pretraining


@dataclass(frozen=True, eq=False)
class Column:
    """A detector on an evaluation set, under one config.

    Args:
        primary: the metric that it is compared by.
        whole: the name of the standard set that it is, else None.
        images, classes: of a detection set, where its truth is known.
        differs: by setting, the values of runs whose configs differ; {} where none do.
    """
    label: str
    detector: str
    kind: str
    primary: str
    whole: str | None
    images: int | None
    classes: tuple[str, ...]
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_classification(self) -> bool:
        """Whether its runs are classifiers."""
        return self.primary == TOP1


@dataclass(frozen=True, eq=False)
class Cell:
    """The runs of one pretraining in one column. ``values`` are the primary metric, a run each."""
    row: str
    column: str
    runs: tuple[Run, ...]
    metrics: dict[str, np.ndarray]
    evaluations: tuple[Evaluation | None, ...]

    @property
    def values(self) -> np.ndarray:
        """The primary metric of each run, in percent."""
        return self.metrics['primary']

    @property
    def mean(self) -> float:
        """Over runs."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval | None:
        """95 %, over runs; None for one run."""
        return mean_interval(self.values)

    @property
    def pretrainings(self) -> int:
        """How many different ones its runs came from."""
        return len({run.pretraining for run in self.runs})

    def replicas(self, values: np.ndarray, by_pretraining: bool) -> np.ndarray:
        """``values`` [runs, ...] -> [replicas, ...]: as they are, or averaged a pretraining."""
        if not by_pretraining:
            return values
        names = [run.pretraining for run in self.runs]
        return np.stack([values[[n == name for n in names]].mean(0)
                         for name in dict.fromkeys(names)])

    def resampled(self, metric: str) -> np.ndarray | None:
        """float [B], the mean over replicas on each resample of the images."""
        evaluated = [e for e in self.evaluations if e is not None]
        if not evaluated or len(evaluated) < len(self.evaluations):
            return None
        overall = np.stack([e.overall[metric][1:] for e in evaluated])
        return 100 * self.replicas(overall, self.pretrainings > 1).mean(0)


@dataclass(frozen=True, eq=False)
class Exploratory:
    """A difference in one class, size or threshold: looked at, not claimed."""
    name: str
    difference: float
    interval: Interval | None
    q: float | None  # false discovery rate, Benjamini and Hochberg


@dataclass(frozen=True, eq=False)
class Contrast:
    """A pretraining against the baseline in one column.

    Args:
        unit: of the seed interval: 'pretraining', or 'run' where there is only one pretraining.
        image: 95 % interval of the difference over validation images, for these very runs.
        p_holm: of ``combined``, adjusted over the whole family; None: unknown, or not in it.
    """
    row: str
    column: str
    unit: str
    seed: SeedDifference
    image: Interval | None
    image_se: float | None
    combined: Combined
    exact: ExactP | None
    improvement: ProbabilityOfImprovement
    p_holm: float | None
    verdict: str
    needed: SeedsNeeded | None
    by_class: tuple[Exploratory, ...] = ()
    by_size: tuple[Exploratory, ...] = ()

    @property
    def difference(self) -> float:
        """To the baseline, in points."""
        return self.seed.difference


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that the table, the report and the files are made of."""
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[str, str], Cell]
    contrasts: dict[tuple[str, str], Contrast]
    baseline: str | None
    faults: tuple[Fault, ...]
    resamples: int
    epoch: str
    allow_different: bool
    remark: str | None = None

    @property
    def is_classification(self) -> bool:
        """Whether any column is of classifiers."""
        return any(column.is_classification for column in self.columns)

    def cells_of(self, column: Column) -> list[Cell]:
        """Those of a column, from top to bottom."""
        return [self.cells[row, column.label] for row in self.rows
                if (row, column.label) in self.cells]
