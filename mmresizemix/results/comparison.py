"""The parts of a comparison: columns, cells, differences from the baseline, and verdicts.

Metrics are in percent, differences in points. A column is a detector on a set under one config, a
row is a pretraining, and a cell holds the runs of one row in one column. The unit of a claim about
pretraining is the pretraining *run*: fine-tuning runs with several seeds that start from one
checkpoint are nested under it (:meth:`Cell.replicas`).
"""
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..metrics.evaluation import Evaluation
from ..runs.run import BASELINE, RANDOM, RANDOM_UNVERIFIED, TOP1, Fault, Run
from .assess import AssessedRun
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
        kind: 'COCO' or 'VOC', or the set of classifiers.
        primary: the metric by which the runs are compared.
        whole: the name of the standard set, or None if the set is not a whole standard set.
        images, classes: the number of images and the class names of a detection set whose truth is
            known, else None and ().
        differs: the two values of each setting in which the configs of the runs differ, by setting.
            It is empty if they do not differ.
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
        """Whether the runs of this column are classifiers."""
        return self.primary == TOP1


@dataclass(frozen=True, eq=False)
class Cell:
    """The runs of one pretraining in one column.

    Args:
        primary: the metric by which the runs are compared.
        metrics: the values of each metric in percent, one per run.
        assessed: the runs, with their evaluations.
    """
    row: str
    column: str
    primary: str
    metrics: dict[str, np.ndarray]
    assessed: tuple[AssessedRun, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs."""
        return tuple(one.run for one in self.assessed)

    @property
    def evaluations(self) -> tuple[Evaluation | None, ...]:
        """An evaluation per run, None if its detections could not be evaluated again."""
        return tuple(one.evaluation for one in self.assessed)

    @property
    def values(self) -> np.ndarray:
        """The primary metric of each run, in percent."""
        return self.metrics[self.primary]

    @property
    def mean(self) -> float:
        """The mean of the primary metric over the runs."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the mean over the runs, or None for a single run."""
        return mean_interval(self.values)

    @property
    def pretrainings(self) -> int:
        """The number of different pretrainings that the runs came from.

        A run that began with random weights counts as a pretraining of its own.
        """
        return len({run.draw for run in self.runs})

    def replicas(self, values: np.ndarray, by_pretraining: bool) -> np.ndarray:
        """Return ``values`` [runs, ...] as [replicas, ...].

        The replicas are the runs themselves or, if ``by_pretraining``, the means over the runs of
        each pretraining.
        """
        if not by_pretraining:
            return values
        names = [run.draw for run in self.runs]
        return np.stack([values[[n == name for n in names]].mean(0)
                         for name in dict.fromkeys(names)])

    def resampled(self, metric: str) -> np.ndarray | None:
        """Return the mean over replicas on each of B resamples of the images, float [B].

        Return None if any run of the cell could not be evaluated again.
        """
        evaluated = [e for e in self.evaluations if e is not None]
        if not evaluated or len(evaluated) < len(self.evaluations):
            return None
        # Position 0 is the set itself, and the resamples follow.
        overall = np.stack([e.overall[metric][1:] for e in evaluated])
        return 100 * self.replicas(overall, self.pretrainings > 1).mean(0)


@dataclass(frozen=True, eq=False)
class Exploratory:
    """A difference in one class, object size or threshold, which is shown but not claimed.

    Args:
        q: the p-value adjusted for the false discovery rate (Benjamini and Hochberg).
    """
    name: str
    difference: float
    interval: Interval | None
    q: float | None


@dataclass(frozen=True, eq=False)
class Contrast:
    """A pretraining against the baseline in one column.

    Args:
        unit: what a replica is: 'pretraining', or 'run' if either side has only one pretraining.
        seed: the difference and its error over replicas.
        image: the 95 % interval of the difference over validation images, for these runs.
        image_se: the standard error of the difference over validation images.
        combined: the difference and its error over replicas and validation images together.
        p_holm: the p-value of ``combined``, adjusted over the whole family. None if it is unknown
            or not part of the family.
        needed: the number of replicas that would settle the verdict, None if it is settled.
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
    p_holm: float | None = None
    verdict: str = 'undecided'
    needed: SeedsNeeded | None = None
    by_class: tuple[Exploratory, ...] = ()
    by_size: tuple[Exploratory, ...] = ()

    @property
    def difference(self) -> float:
        """The difference from the baseline, in points."""
        return self.seed.difference


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that the tables, the report and the other files show.

    Args:
        cells, contrasts: by (row, label of the column).
        baseline: the row that others are compared with, or None if there is no such row.
        remark: a text to show above the tables.
    """
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
        """Whether any column holds classifiers."""
        return any(column.is_classification for column in self.columns)

    def cells_of(self, column: Column) -> list[Cell]:
        """Return the cells of a column, from top to bottom."""
        return [self.cells[row, column.label] for row in self.rows
                if (row, column.label) in self.cells]
