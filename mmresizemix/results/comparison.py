"""Records -> cells -> differences from the baseline, with what is known about each. In AP points.

A column is a detector on a set under one config, a row is a pretraining, a cell holds its runs.
The unit of a claim about pretraining is the pretraining *run*: fine-tuning seeds over one
checkpoint are nested under it (:attr:`Cell.replicas`).
"""
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .configs import STANDARD, difference
from .evaluation import Evaluation
from .run import BASELINE, RANDOM, RANDOM_UNVERIFIED, TOP1, Fault, Run
from .statistics import (ALPHA, EQUIVALENT, Combined, Estimate, ExactP, Interval,
                         ProbabilityOfImprovement, SeedDifference, SeedsNeeded,
                         benjamini_hochberg, combine, exact_p, holm, mean_interval,
                         probability_of_improvement, seed_difference, seeds_needed, verdict)

NAMES = {BASELINE: 'baseline', 'resizemix': 'ResizeMix', 'cutmix': 'CutMix', 'mixup': 'Mixup',
         'resizemix-persample': 'ResizeMix (per sample)',
         'cutmix-persample': 'CutMix (per sample)', RANDOM: 'random weights',
         RANDOM_UNVERIFIED: 'random weights (unverified)'}
FROM_SCRATCH = (NAMES[RANDOM], NAMES[RANDOM_UNVERIFIED])  # rows that are no pretraining
BY_SIZE = ('AP50', 'AP75', 'APs', 'APm', 'APl')
WHOLE: dict[tuple, str] = {('COCO', 5000, 80): 'COCO val2017', ('VOC', 4952, 20): 'VOC2007 test'}
NOTHING_LEARNED = f'neither detector reaches {EQUIVALENT} points'  # alike, but it says nothing
ASSUMED_SD = 0.3  # AP, between seeds: others measured 0.15 to 0.5 (mmdetection#2773, #3624)


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


def compare(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation],
            sets: Mapping[Path, tuple[int, tuple[str, ...]]], faults: Sequence[Fault] = (), *,
            baseline: str | None = None, allow_different: bool = False, resamples: int = 0,
            epoch: str = 'last', remark: str | None = None) -> Comparison:
    """Compare ``runs`` with the baseline.

    Args:
        evaluations: by a run's folder, where its detections could be evaluated again.
        sets: by a run's folder, (images, class names) of its evaluation set, where known.
        baseline: a row, by name; None: the only one whose method is 'baseline'.
        allow_different: compare runs whose configs differ in more than backbone and seed.
        remark: to stand above the tables.
    """
    faults = list(faults)
    runs = _without_duplicates(runs, faults)
    labels = _row_labels(runs)
    chosen = _baseline(sorted(set(labels.values())), baseline, faults) if runs else None
    columns, of_run = _columns(runs, labels, chosen, sets, allow_different, faults)
    cells = _cells(runs, labels, columns, of_run, evaluations)
    rows = _order([run for run in runs if run.folder in of_run], labels, chosen)
    contrasts = _contrasts(rows, columns, cells, chosen) if chosen else {}
    faults += [Fault(Path(f'{row}, {column.label}'), 'no finished run', bad=False)
               for row in rows for column in columns if (row, column.label) not in cells]
    return Comparison(tuple(rows), tuple(columns), cells, contrasts, chosen, tuple(faults),
                      resamples, epoch, allow_different, remark)


def _row_labels(runs: Sequence[Run]) -> dict[Path, str]:
    """By folder. Torchvision's weights are a recipe of their own, and so a row of their own."""
    labels = {}
    for run in runs:
        name = NAMES.get(run.method, run.method)
        if run.verified and str(run.source).startswith('torchvision://'):
            name += ' (torchvision)'
        labels[run.folder] = name
    return labels


def _without_duplicates(runs: Sequence[Run], faults: list[Fault]) -> list[Run]:
    """Two runs of one seed are one draw: the first that was started counts (MLPerf's rule)."""
    seen: dict[tuple, Run] = {}
    for run in sorted(runs, key=lambda r: (r.started, str(r.folder))):
        key = (run.method, run.pretraining, run.detector, run.kind, run.dataset, run.seed,
               repr(sorted(run.config.items(), key=lambda kv: kv[0])))
        if run.seed is not None and key in seen:
            faults.append(Fault(run.folder, f'repeats seed {run.seed} of {seen[key].folder}; the '
                                            'one that was started first counts', bad=False))
        else:
            seen[key if run.seed is not None else (run.folder, )] = run
    return list(seen.values())


def _baseline(rows: list[str], asked: str | None, faults: list[Fault]) -> str | None:
    wanted = (asked or BASELINE).lower()
    found = [r for r in rows if r.lower() == wanted]
    found = found or [r for r in rows if r.lower().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ', '.join(repr(r) for r in (found or rows))
    problem = (f'{len(found)} baselines match {wanted!r}' if found else
               f'no baseline matches {wanted!r}' if asked else f'no baseline called {wanted!r}')
    faults.append(Fault(Path('--baseline'), f'{problem} among {listed}; name one with --baseline, '
                        'without it nothing is compared'))
    return None


def _order(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None) -> list[str]:
    """The baseline, then the others as a plan has them, random weights last."""
    places = {labels[run.folder]: math.inf if run.place is None else run.place for run in runs}
    return sorted(places, key=lambda r: (r != baseline, r in FROM_SCRATCH, places[r], r.lower()))


def _columns(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None,
             sets: Mapping, allow_different: bool,
             faults: list[Fault]) -> tuple[list[Column], dict[Path, str]]:
    """Group by (detector, set); within that, runs of one config that have their own baseline
    stand apart, and those that have none cannot be compared."""
    groups: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        groups[(run.kind, run.detector, run.primary, run.column or '')].append(run)
    columns: list[Column] = []
    of_run: dict[Path, str] = {}
    for (kind, detector, primary, named), members in sorted(groups.items(), key=lambda g: g[0]):
        clusters = _clusters(members)
        alone = [c for c in clusters if any(labels[r.folder] == baseline for r in c)]
        alone = alone or clusters[:1]
        for i, cluster in enumerate(alone):
            strays = [c for c in clusters if c not in alone] if i == 0 else []
            label = named or f'{kind} {detector}'
            if len(alone) > 1:
                label += f' ({_distinct(cluster, alone)})'
            differs: dict = {}
            for stray in strays:
                found = _differ(cluster, stray)
                faults.append(_refusal(label, cluster, stray, found, allow_different))
                if allow_different:
                    differs.update(found)
                    cluster = cluster + stray
            columns.append(_column(label, detector, kind, primary, cluster, sets, differs))
            of_run.update({run.folder: label for run in cluster})
    return columns, of_run


def _clusters(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs whose configs differ in nothing but backbone and seed, the largest first."""
    clusters: list[list[Run]] = []
    for run in sorted(runs, key=lambda r: r.from_scratch):
        for cluster in clusters:
            if not _differ(cluster, [run]):
                cluster.append(run)
                break
        else:
            clusters.append([run])
    return sorted(clusters, key=len, reverse=True)


def _differ(cluster: Sequence[Run], other: Sequence[Run]) -> dict[str, tuple[Any, Any]]:
    a, b = cluster[0], other[0]
    return difference(a.config, b.config, a.from_scratch or b.from_scratch)


def _distinct(cluster: Sequence[Run], clusters: Sequence[Sequence[Run]]) -> str:
    """What tells this cluster from the others: the set's folder, the config's name, or a count."""
    for name in ('dataset', 'config_name'):
        names = [getattr(c[0], name) for c in clusters]
        if len(set(names)) == len(names):
            return getattr(cluster[0], name)
    return f'config {clusters.index(cluster) + 1}'


def _refusal(label: str, cluster: Sequence[Run], stray: Sequence[Run],
             found: Mapping[str, tuple[Any, Any]], allowed: bool) -> Fault:
    shown = '; '.join(f'{k}: {_value(a)} there, {_value(b)} here'
                      for k, (a, b) in list(found.items())[:4])
    more = f' and {len(found) - 4} more' if len(found) > 4 else ''
    others = f' (and {len(stray) - 1} more)' if len(stray) > 1 else ''
    end = ('compared all the same, on your word' if allowed else
           'not compared; --allow-different does, and marks the table')
    return Fault(stray[0].folder, f'differs from the other runs of {label}, e.g. '
                 f'{cluster[0].folder.name}{others}: {shown}{more}; {end}', bad=not allowed)


def _value(value: Any) -> str:
    return 'nothing' if value is None else repr(value)


def _column(label: str, detector: str, kind: str, primary: str, runs: Sequence[Run],
            sets: Mapping, differs: dict) -> Column:
    known = [sets[r.folder] for r in runs if r.folder in sets]
    images, classes = known[0] if known else (None, ())
    whole = (kind if primary == TOP1 and kind in STANDARD.values() else
             WHOLE.get((kind, images, len(classes))))
    return Column(label, detector, kind, primary, whole, images, classes, differs)


def _cells(runs: Sequence[Run], labels: Mapping[Path, str], columns: Sequence[Column],
           of_run: Mapping[Path, str], evaluations: Mapping[Path, Evaluation]
           ) -> dict[tuple[str, str], Cell]:
    members: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if run.folder in of_run:
            members[labels[run.folder], of_run[run.folder]].append(run)
    primary = {column.label: column.primary for column in columns}
    return {key: _cell(*key, sorted(found, key=_by_seed), evaluations, primary[key[1]])
            for key, found in members.items()}


def _by_seed(run: Run) -> tuple:
    return (str(run.pretraining), run.seed is None, run.seed or 0, str(run.folder))


def _cell(row: str, column: str, runs: Sequence[Run], evaluations: Mapping[Path, Evaluation],
          primary: str) -> Cell:
    found = tuple(evaluations.get(run.folder) for run in runs)
    each = [{**run.metrics, **({k: float(v[0]) for k, v in e.overall.items()} if e else {})}
            for run, e in zip(runs, found)]
    names = [n for n in each[0] if all(n in metrics for metrics in each)]
    metrics = {n: np.array([_percent(m[n]) for m in each]) for n in names}
    return Cell(row, column, tuple(runs), {**metrics, 'primary': metrics[primary]}, found)


def _percent(value: float) -> float:
    return float('nan') if value < 0 else 100 * value  # COCO's -1: no such object


def _contrasts(rows: Sequence[str], columns: Sequence[Column],
               cells: Mapping[tuple[str, str], Cell],
               baseline: str) -> dict[tuple[str, str], Contrast]:
    """The family: every pretraining but random weights, in every column."""
    pairs = [(row, column) for column in columns for row in rows if row != baseline
             and (row, column.label) in cells and (baseline, column.label) in cells]
    first = [_contrast(cells[row, c.label], cells[baseline, c.label], c) for row, c in pairs]
    family = [i for i, (row, _) in enumerate(pairs)
              if row not in FROM_SCRATCH and first[i]['combined'].p is not None]
    adjusted: dict[int, float] = dict(zip(family, holm([first[i]['combined'].p for i in family])))
    done = {}
    for i, ((row, column), parts) in enumerate(zip(pairs, first)):
        p = adjusted.get(i, parts['combined'].p if row in FROM_SCRATCH else None)
        ours, theirs = cells[row, column.label], cells[baseline, column.label]
        words, needed = verdict(parts['combined'], p), None
        if words == 'equivalent' and max(ours.mean, theirs.mean) < EQUIVALENT:
            words, needed = 'undecided', SeedsNeeded(None, None, NOTHING_LEARNED)
        elif words == 'undecided':
            alone = parts['combined'].p
            needed = _needed(parts, ours, theirs, p / alone if p and alone else 1.0)
        done[row, column.label] = Contrast(row, column.label, **parts, p_holm=adjusted.get(i),
                                           verdict=words, needed=needed)
    return done


def _contrast(a: Cell, b: Cell, column: Column) -> dict[str, Any]:
    by_pretraining = a.pretrainings > 1 and b.pretrainings > 1
    paired = not by_pretraining and len(a.runs) > 1 and _paired(a, b)
    x, y = (c.replicas(c.values, by_pretraining) for c in (a, b))
    seed = seed_difference(x, y, paired)
    resampled = _resampled_difference(a, b, column.primary)
    image_se = float(resampled.std(ddof=1)) if resampled is not None else None
    if column.is_classification:  # which pictures were tested is not looked at; the notes say so
        image_se = 0.
    return dict(
        unit='pretraining' if by_pretraining else 'run', seed=seed,
        image=_quantiles(resampled), image_se=image_se, combined=combine(seed, image_se),
        exact=exact_p(x, y, paired), improvement=probability_of_improvement(x, y),
        by_class=_by_class(a, b, column), by_size=_by_size(a, b, column))


def _paired(a: Cell, b: Cell) -> bool:
    seeds = [[run.seed for run in cell.runs] for cell in (a, b)]
    return None not in seeds[0] and seeds[0] == seeds[1]


def _resampled_difference(a: Cell, b: Cell, metric: str) -> np.ndarray | None:
    x, y = a.resampled(metric), b.resampled(metric)
    if x is None or y is None or len(x) < 2:
        return None
    found = (x - y)[~np.isnan(x - y)]
    return found if len(found) > 1 else None


def _quantiles(resampled: np.ndarray | None) -> Interval | None:
    if resampled is None:
        return None
    return Interval(*map(float, np.quantile(resampled, (ALPHA / 2, 1 - ALPHA / 2))))


def _needed(parts: Mapping[str, Any], a: Cell, b: Cell, adjustment: float) -> SeedsNeeded:
    by_pretraining = parts['unit'] == 'pretraining'
    sd_a, sd_b = (_spread(cell.replicas(cell.values, by_pretraining)) for cell in (a, b))
    seed = parts['seed']
    paired_sd = seed.standard_error * np.sqrt(seed.n_a) if seed.paired and seed.n_a > 1 else None
    return seeds_needed(seed.difference, sd_a, sd_b, parts['image_se'] or 0.0,
                        paired_sd=paired_sd, adjustment=adjustment)


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else ASSUMED_SD


def _by_size(a: Cell, b: Cell, column: Column) -> tuple[Exploratory, ...]:
    names = [n for n in BY_SIZE if n in a.metrics and n in b.metrics]
    found = [(n, a.metrics[n], b.metrics[n], _resampled_difference(a, b, n)) for n in names]
    return _explore(a, b, [f for f in found if not np.isnan([*f[1], *f[2]]).any()])


def _by_class(a: Cell, b: Cell, column: Column) -> tuple[Exploratory, ...]:
    ours, theirs = ([e.by_class for e in c.evaluations if e is not None] for c in (a, b))
    if not ours or (len(ours), len(theirs)) != (len(a.evaluations), len(b.evaluations)):
        return ()
    metric = 'VOC11' if 'VOC11' in ours[0] else 'AP'
    x, y = (100 * np.stack([one[metric] for one in each]) for each in (ours, theirs))
    found = []
    for k, name in enumerate(column.classes):
        x_k, y_k = x[:, :, k], y[:, :, k]  # [runs, 1 + B]
        if np.isnan([*x_k[:, 0], *y_k[:, 0]]).any():
            continue
        resampled = x_k[:, 1:].mean(0) - y_k[:, 1:].mean(0)
        resampled = resampled[~np.isnan(resampled)]
        found.append((name, x_k[:, 0], y_k[:, 0], resampled if len(resampled) > 1 else None))
    return _explore(a, b, found)


def _explore(a: Cell, b: Cell, found: Sequence[tuple]) -> tuple[Exploratory, ...]:
    """Both kinds of variation combined, of single runs that over images; and the false discovery
    rate over ``found``."""
    estimates = []
    for _, x, y, resampled in found:
        image_se = float(resampled.std(ddof=1)) if resampled is not None else None
        seed = seed_difference(x, y, len(x) > 1 and _paired(a, b))
        estimates.append(combine(seed, image_se) if seed.standard_error is not None
                         else Estimate(seed.difference, image_se, np.inf))
    known = {i: e.p for i, e in enumerate(estimates) if e.p is not None}
    q = dict(zip(known, benjamini_hochberg(list(known.values())))) if known else {}
    return tuple(Exploratory(name, e.difference, e.interval(), q.get(i))
                 for i, ((name, *_), e) in enumerate(zip(found, estimates)))
