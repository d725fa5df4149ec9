"""The differences of cells from the baseline, with their errors and verdicts."""
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..runs.run import MASK_AP, OF_MASKS
from .comparison import FROM_SCRATCH, Cell, Column, Contrast, Exploratory
from .statistics import (
    ALPHA,
    EQUIVALENT,
    Estimate,
    Interval,
    SeedsNeeded,
    benjamini_hochberg,
    combine,
    exact_p,
    holm,
    probability_of_improvement,
    seed_difference,
    seeds_needed,
    verdict,
)

OF_BOXES = ('AP50', 'AP75', 'APs', 'APm', 'APl')
BY_SIZE = (*OF_BOXES, *(OF_MASKS + name for name in OF_BOXES))
NOTHING_LEARNED = f'neither detector reaches {EQUIVALENT} points'  # equal, but this proves nothing
NOT_KEPT = 'some masks are not kept, so the variation between images is unknown'
ASSUMED_SD = 0.3  # AP points between seeds; others measured 0.15 to 0.5 (mmdetection#2773, #3624)


def contrasts_with_baseline(
        rows: Sequence[str], columns: Sequence[Column], cells: Mapping[tuple[str, str], Cell],
        baseline: str) -> dict[tuple[str, str], Contrast]:
    """Compare each row with the baseline in each column.

    The p-values are adjusted over one family of claims: every pretraining except random weights, in
    every column.

    Returns:
        The contrasts, by (row, label of the column).
    """
    pairs = [(row, column) for column in columns for row in rows if row != baseline
             and (row, column.label) in cells and (baseline, column.label) in cells]
    found = {(row, c.label): _contrast(cells[row, c.label], cells[baseline, c.label], c)
             for row, c in pairs}
    # The adjustment needs the p-values of the whole family, so the verdicts come in a second pass.
    family = {key: one.combined.p for key, one in found.items()
              if one.row not in FROM_SCRATCH and one.combined.p is not None}
    adjusted: dict[tuple[str, str], float] = dict(zip(family, holm(list(family.values()))))
    return {key: _decided(one, cells[key], cells[baseline, one.column], adjusted.get(key))
            for key, one in found.items()}


def _decided(one: Contrast, ours: Cell, theirs: Cell, p_holm: float | None) -> Contrast:
    """Return the contrast with its verdict and, if it is undecided, the seeds that would do."""
    # Random weights are outside the family, so their p-value is taken as it is.
    alone = one.combined.p
    p = alone if one.row in FROM_SCRATCH else p_holm
    words, needed = verdict(one.combined, p), None
    if words in ('equivalent', 'undecided') and max(ours.mean, theirs.mean) < EQUIVALENT:
        words, needed = 'undecided', SeedsNeeded(None, None, NOTHING_LEARNED)
    elif ours.primary == MASK_AP and one.image_se is None:
        needed = SeedsNeeded(None, None, NOT_KEPT)
    elif words == 'undecided':
        # The comparison with more runs will pay the same factor for the family as this one.
        needed = _needed(one, ours, theirs, p / alone if p and alone else 1.0)
    return replace(one, p_holm=p_holm, verdict=words, needed=needed)


def _contrast(a: Cell, b: Cell, column: Column) -> Contrast:
    """Return the contrast of ``a`` with ``b``, not yet decided."""
    # A replica is a pretraining if both sides have several of them, and a run if not. Runs with the
    # same seeds are compared in pairs.
    by_pretraining = a.pretrainings > 1 and b.pretrainings > 1
    paired = not by_pretraining and len(a.runs) > 1 and _paired(a, b)
    x, y = (c.replicas(c.values, by_pretraining) for c in (a, b))
    seed = seed_difference(x, y, paired)
    resampled = _resampled_difference(a, b, column.primary)
    image_se = float(resampled.std(ddof=1)) if resampled is not None else None
    # The images of classifiers are not resampled. The notes below the tables say so.
    if column.is_classification:
        image_se = 0.
    return Contrast(
        row=a.row, column=column.label, unit='pretraining' if by_pretraining else 'run', seed=seed,
        image=_quantiles(resampled), image_se=image_se, combined=combine(seed, image_se),
        exact=exact_p(x, y, paired), improvement=probability_of_improvement(x, y),
        by_class=_by_class(a, b, column), by_size=_by_size(a, b))


def _paired(a: Cell, b: Cell) -> bool:
    seeds = [[run.seed for run in cell.runs] for cell in (a, b)]
    return None not in seeds[0] and seeds[0] == seeds[1]


def _resampled_difference(a: Cell, b: Cell, metric: str) -> np.ndarray | None:
    x, y = a.resampled(metric), b.resampled(metric)
    if x is None or y is None or len(x) < 2:
        return None
    # The same resamples were drawn for both, so their difference is taken resample by resample. It
    # is NaN on a resample without any object that the metric is about.
    found = (x - y)[~np.isnan(x - y)]
    return found if len(found) > 1 else None


def _quantiles(resampled: np.ndarray | None) -> Interval | None:
    if resampled is None:
        return None
    return Interval(*map(float, np.quantile(resampled, (ALPHA / 2, 1 - ALPHA / 2))))


def _needed(one: Contrast, a: Cell, b: Cell, adjustment: float) -> SeedsNeeded:
    by_pretraining = one.unit == 'pretraining'
    sd_a, sd_b = (_spread(cell.replicas(cell.values, by_pretraining)) for cell in (a, b))
    seed = one.seed
    # The standard error of paired differences is their spread over sqrt(n).
    paired_sd = seed.standard_error * np.sqrt(seed.n_a) if seed.paired and seed.n_a > 1 else None
    return seeds_needed(seed.difference, sd_a, sd_b, image_se=one.image_se or 0.0,
                        paired_sd=paired_sd, adjustment=adjustment)


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else ASSUMED_SD


class _Part(NamedTuple):
    """A class or an object size: our values and theirs, float [runs], and the difference of their
    means on each resample of the images, float [B], or None."""
    name: str
    ours: np.ndarray
    theirs: np.ndarray
    resampled: np.ndarray | None


def _by_size(a: Cell, b: Cell) -> tuple[Exploratory, ...]:
    names = [n for n in BY_SIZE if n in a.metrics and n in b.metrics]
    found = [_Part(n, a.metrics[n], b.metrics[n], _resampled_difference(a, b, n)) for n in names]
    return _explore(a, b, [f for f in found if not np.isnan([*f.ours, *f.theirs]).any()])


def _by_class(a: Cell, b: Cell, column: Column) -> tuple[Exploratory, ...]:
    ours, theirs = ([e.by_class for e in c.evaluations if e is not None] for c in (a, b))
    if not ours or (len(ours), len(theirs)) != (len(a.evaluations), len(b.evaluations)):
        return ()
    metric = 'VOC11' if 'VOC11' in ours[0] else 'AP'
    x, y = (100 * np.stack([one[metric] for one in each]) for each in (ours, theirs))
    found = []
    for k, name in enumerate(column.classes):
        x_k, y_k = x[:, :, k], y[:, :, k]  # [runs, 1 + B]: the set itself, then B resamples
        if np.isnan([*x_k[:, 0], *y_k[:, 0]]).any():
            continue
        resampled = x_k[:, 1:].mean(0) - y_k[:, 1:].mean(0)
        resampled = resampled[~np.isnan(resampled)]
        found.append(_Part(name, x_k[:, 0], y_k[:, 0], resampled if len(resampled) > 1 else None))
    return _explore(a, b, found)


def _explore(a: Cell, b: Cell, found: Sequence[_Part]) -> tuple[Exploratory, ...]:
    """Estimate each difference in ``found``, and adjust for the false discovery rate over all.

    The interval combines the variation over runs with that over images. For single runs, it shows
    the variation over images alone.
    """
    estimates = []
    for _, ours, theirs, resampled in found:
        image_se = float(resampled.std(ddof=1)) if resampled is not None else None
        seed = seed_difference(ours, theirs, len(ours) > 1 and _paired(a, b))
        estimates.append(combine(seed, image_se) if seed.standard_error is not None
                         else Estimate(seed.difference, image_se, np.inf))
    # Differences without a known error have no p-value, and stay out of the adjustment.
    known = {i: e.p for i, e in enumerate(estimates) if e.p is not None}
    q = dict(zip(known, benjamini_hochberg(list(known.values())))) if known else {}
    return tuple(Exploratory(part.name, e.difference, e.interval(), q.get(i))
                 for i, (part, e) in enumerate(zip(found, estimates)))
