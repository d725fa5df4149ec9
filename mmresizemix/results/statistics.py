"""What a difference between two models' mAP is worth. Pure functions; values in AP points.

Two sources of variation are kept apart: which training run it was (*seed*: the spread over runs on
one validation set) and which validation images (*image*: the spread over resamples of the images,
for given runs). Where both matter, variances add: :func:`combine`.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

ALPHA = 0.05
POWER = 0.8
EQUIVALENT = 0.2  # AP points: run-to-run noise that maintainers call none (mmdetection#3624)
MOST_RELABELLINGS = 200_000  # of an exact test; beyond, that many are drawn

BETTER, WORSE, SAME, UNDECIDED = 'better', 'worse', 'equivalent', 'undecided'


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A difference, its standard error, and the degrees of freedom of that (inf: known).

    Unknown (None) where there are too few runs to see a spread.
    """
    difference: float
    standard_error: float | None
    df: float | None

    @property
    def p(self) -> float | None:
        """Two-sided, of no difference."""
        if self.standard_error is None:
            return None
        if self.standard_error == 0:
            return float(self.difference == 0)
        return float(2 * stats.t.sf(abs(self.difference) / self.standard_error, self.df))

    def interval(self, level: float = 1 - ALPHA) -> Interval | None:
        if self.standard_error is None:
            return None
        half = stats.t.ppf((1 + level) / 2, self.df) * self.standard_error
        return Interval(float(self.difference - half), float(self.difference + half))


@dataclass(frozen=True)
class SeedDifference(Estimate):
    """Of ``n_a`` replicas of one model and ``n_b`` of the other."""
    n_a: int
    n_b: int
    paired: bool


@dataclass(frozen=True)
class Combined(Estimate):
    """Over training runs and validation images together."""


@dataclass(frozen=True)
class ExactP:
    """p of an exact test, and the smallest that it could have come to with so few replicas."""
    p: float
    floor: float


@dataclass(frozen=True)
class ProbabilityOfImprovement:
    estimate: float
    interval: Interval


@dataclass(frozen=True)
class SeedsNeeded:
    """``n`` replicas a model would settle it, by showing a ``settles``: 'difference' or
    'equivalence'. None: no number would, for the ``reason``."""
    n: int | None
    settles: str | None
    reason: str = ''


def mean_interval(values: Sequence[float], level: float = 1 - ALPHA) -> Interval | None:
    """Student's t interval of one mean; None of a single value."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None
    return Estimate(float(values.mean()), float(stats.sem(values)), len(values) - 1).interval(level)


def seed_difference(a: Sequence[float], b: Sequence[float], paired: bool) -> SeedDifference:
    """mean(a) - mean(b) with Student's paired t, else with Welch's (1947).

    Args:
        a, b: one value a replica; where ``paired``, those at one position belong together.

    Raises:
        ValueError: ``paired`` values of unequal number.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if paired and len(a) != len(b):
        raise ValueError(f'paired values must be as many in both, got {len(a)} and {len(b)}')
    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return SeedDifference(difference, None, None, len(a), len(b), paired)
    if paired:
        return SeedDifference(difference, float(stats.sem(a - b)), len(a) - 1, len(a), len(b), True)
    parts = [a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)]
    df = _satterthwaite(parts, [len(a) - 1, len(b) - 1])
    return SeedDifference(difference, math.sqrt(sum(parts)), df, len(a), len(b), False)


def _satterthwaite(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Degrees of freedom of a sum of estimated variances (Satterthwaite 1946)."""
    spread = sum(v * v / df for v, df in zip(variances, dfs))
    return sum(variances)**2 / spread if spread > 0 else math.inf


def combine(seed: SeedDifference, image_se: float | None) -> Combined:
    """Both sources of variation: their variances add, degrees of freedom by Satterthwaite.

    The image part is taken as known. What images and runs do together (a run that is good on some
    images) is in both parts, so that this is a little too wide rather than too narrow. Where
    either part is unknown, so is the sum.
    """
    if seed.standard_error is None or image_se is None:
        return Combined(seed.difference, None, None)
    variances = [seed.standard_error**2, image_se**2]
    df = _satterthwaite(variances, [seed.df, math.inf])
    return Combined(seed.difference, math.sqrt(sum(variances)), df)


def exact_p(a: Sequence[float], b: Sequence[float], paired: bool) -> ExactP | None:
    """Permutation test of equal means, two-sided, which assumes no distribution: every flip of a
    pair's signs, or every relabelling of the runs (Fisher 1935). None of single runs."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if min(len(a), len(b)) < 2:
        return None
    if paired:
        count, data, kind = 2**len(a), (a - b, ), 'samples'
        floor = 2 / count
    else:
        count, data, kind = math.comb(len(a) + len(b), len(a)), (a, b), 'independent'
        floor = (2 if len(a) == len(b) else 1) / count
    found = stats.permutation_test(
        data, _mean if paired else _mean_difference, permutation_type=kind, vectorized=True,
        n_resamples=np.inf if count <= MOST_RELABELLINGS else MOST_RELABELLINGS,
        random_state=np.random.default_rng(0))
    return ExactP(float(found.pvalue), floor)


def _mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return x.mean(axis)


def _mean_difference(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    return x.mean(axis) - y.mean(axis)


def holm(p: Sequence[float]) -> np.ndarray:
    """p values adjusted so that the chance of any false claim in the family stays at alpha
    (Holm 1979)."""
    p = np.asarray(p, float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """p values adjusted for the share of false discoveries (Benjamini and Hochberg 1995)."""
    return stats.false_discovery_control(np.asarray(p, float))


def probability_of_improvement(a: Sequence[float], b: Sequence[float],
                               level: float = 1 - ALPHA) -> ProbabilityOfImprovement:
    """P(A > B) + P(A = B) / 2 over all pairs of runs (Mann and Whitney 1947), with the interval
    of Newcombe (2006), method 5, which holds for few runs, too."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    compared = a[:, None] - b[None]
    estimate = float(((compared > 0) + (compared == 0) / 2).mean())
    z, n = stats.norm.ppf((1 + level) / 2), (len(a) + len(b)) / 2

    def excess(theta: float) -> float:
        variance = theta * (1 - theta) / (len(a) * len(b)) * (
            2 * n - 1 - (3 * n - 3) / ((2 - theta) * (1 + theta)))
        return (estimate - theta)**2 - z * z * max(variance, 0)

    low = 0.0 if estimate == 0 else optimize.brentq(excess, 0, estimate)
    high = 1.0 if estimate == 1 else optimize.brentq(excess, estimate, 1)
    return ProbabilityOfImprovement(estimate, Interval(low, high))


def verdict(combined: Estimate, adjusted_p: float | None, margin: float = EQUIVALENT,
            alpha: float = ALPHA) -> str:
    """'better', 'worse', 'equivalent' or 'undecided'.

    Equivalent: the 1 - 2 alpha interval lies within ±margin (two one-sided tests, Schuirmann
    1987); that goes before better and worse, for a difference so small has no use. Where the
    error is unknown: undecided.
    """
    within = combined.interval(1 - 2 * alpha)
    if within is None:
        return UNDECIDED
    if -margin < within.low and within.high < margin:
        return SAME
    if adjusted_p is not None and adjusted_p < alpha:
        return BETTER if combined.difference > 0 else WORSE
    return UNDECIDED


def seeds_needed(difference: float, sd_a: float, sd_b: float, image_se: float, *,
                 paired_sd: float | None = None, limit: int = 1000, alpha: float = ALPHA,
                 power: float = POWER, margin: float = EQUIVALENT) -> SeedsNeeded:
    """The fewest replicas a model that settle it with ``power``, if the truth is as observed.

    Args:
        sd_a, sd_b: spread between replicas; paired_sd: of paired differences, used instead.
        image_se: of the difference over images; more seeds do not make it smaller.
    """
    n = np.arange(2, limit + 1)
    if paired_sd is not None:
        seed_variance, df_seed = paired_sd**2 / n, n - 1.0
    else:
        parts = np.array([sd_a**2 / n, sd_b**2 / n])
        seed_variance = parts.sum(0)
        spread = (parts**2 / (n - 1)).sum(0)
        df_seed = np.divide(seed_variance**2, spread, out=np.full(len(n), np.inf), where=spread > 0)
    se, df = _combined_error(seed_variance, df_seed, image_se)
    shown = {'difference': _power_of_difference(difference, se, df, alpha),
             'equivalence': _power_of_equivalence(difference, se, df, alpha, margin)}
    first = {what: int(n[np.argmax(p >= power)]) for what, p in shown.items() if (p >= power).any()}
    if first:
        what = min(first, key=lambda w: first[w])
        return SeedsNeeded(first[what], what)
    still = image_se > 0 and not _settled_by_images(difference, image_se, alpha, power, margin)
    return SeedsNeeded(None, None, 'these validation images are too few for it' if still
                       else f'more than {limit} seeds')


def _combined_error(seed_variance: np.ndarray, df_seed: np.ndarray,
                    image_se: float) -> tuple[np.ndarray, np.ndarray]:
    total = seed_variance + image_se**2
    spread = seed_variance**2 / df_seed
    df = np.divide(total**2, spread, out=np.full(len(total), np.inf), where=spread > 0)
    return np.sqrt(total), np.minimum(df, 1e9)


def _power_of_difference(difference: float, se: np.ndarray, df: np.ndarray,
                         alpha: float) -> np.ndarray:
    with np.errstate(divide='ignore'):
        shift = np.where(se > 0, abs(difference) / se, np.inf if difference else 0)
    critical = stats.t.ppf(1 - alpha / 2, df)
    # scipy's noncentral t overflows far out, where the power is 1
    near = np.minimum(shift, 30)
    return np.where(shift > 30, 1.0, stats.nct.sf(critical, df, near) + stats.nct.cdf(-critical, df, near))


def _power_of_equivalence(difference: float, se: np.ndarray, df: np.ndarray, alpha: float,
                          margin: float) -> np.ndarray:
    if abs(difference) >= margin:
        return np.zeros(len(se))
    critical = stats.t.ppf(1 - alpha, df)
    with np.errstate(divide='ignore'):
        up, down = (np.where(se > 0, room / se, np.inf) - critical
                    for room in (margin - difference, margin + difference))
    return np.maximum(stats.t.cdf(up, df) + stats.t.cdf(down, df) - 1, 0)


def _settled_by_images(difference: float, image_se: float, alpha: float, power: float,
                       margin: float) -> bool:
    """Whether it would be settled with runs without number."""
    se, df = np.array([image_se]), np.array([1e9])
    return bool(_power_of_difference(difference, se, df, alpha)[0] >= power
                or _power_of_equivalence(difference, se, df, alpha, margin)[0] >= power)
