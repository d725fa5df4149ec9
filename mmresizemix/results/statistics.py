"""What a difference between two models' mAP is worth. Pure functions; values in AP points.

Two sources of variation are kept apart: which training run it was (*seed*: the spread over runs on
one validation set) and which validation images (*image*: the spread over resamples of the images,
for given runs). Where both matter, variances add: :func:`combine`.
"""
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from scipy import optimize, special, stats

ALPHA = 0.05
POWER = 0.8
EQUIVALENT = 0.2  # AP points: run-to-run noise that maintainers call none (mmdetection#3624)
MOST_RELABELLINGS = 50_000  # of an exact test; beyond, that many are drawn
LEAST_P = 1e-12  # below, p counts as 0
NO_SPREAD = 1e-9  # AP points: where nothing varies at all, instead of a division by zero
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)  # to average over chi-squared

Values = Sequence[float] | np.ndarray
Settled = Literal['difference', 'equivalence']
Verdict = Literal['better', 'worse', 'equivalent', 'undecided']


@dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of what it is of."""
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
        """Two-sided, of no difference (Student's t)."""
        if self.standard_error is None:
            return None
        if self.standard_error == 0:
            return float(self.difference == 0)
        t = self.difference / self.standard_error
        # special's are stats.t's own, at a tenth of the time: one is made for every class
        return float(2 * special.stdtr(self.df, -abs(t)))

    def half_width(self, alpha: float) -> float:
        """Of the 1 - alpha interval, where the error is known."""
        return float(-special.stdtrit(self.df, alpha / 2) * self.standard_error)

    def interval(self, level: float = 1 - ALPHA) -> Interval | None:
        """At ``level``; None without a standard error."""
        if self.standard_error is None:
            return None
        half = self.half_width(1 - level)
        return Interval(self.difference - half, self.difference + half)


@dataclass(frozen=True)
class SeedDifference(Estimate):
    """Of ``n_a`` replicas of one model and ``n_b`` of the other."""
    n_a: int
    n_b: int
    paired: bool


@dataclass(frozen=True)
class Combined(Estimate):
    """Over training runs (``standard_error``, ``df``) and validation images (``image_se``)."""
    image_se: float | None

    @property
    def p(self) -> float | None:
        """The alpha whose interval just reaches no difference."""
        if self.standard_error is None:
            return None
        distance = abs(self.difference)
        if distance == 0:
            return 1.0
        if self.half_width(LEAST_P) <= distance:
            return 0.0
        return math.exp(optimize.brentq(
            lambda log_p: self.half_width(math.exp(log_p)) - distance, math.log(LEAST_P), 0))

    def half_width(self, alpha: float) -> float:
        """Both sources' half-widths, squared and added (MOVER)."""
        return math.hypot(super().half_width(alpha), special.ndtri(alpha / 2) * self.image_se)


@dataclass(frozen=True)
class ExactP:
    """p of an exact test, and the smallest that it could have come to with so few replicas."""
    p: float
    floor: float


@dataclass(frozen=True)
class ProbabilityOfImprovement:
    """How often a run of one model beats a run of the other, 0 to 1, and its 95 % interval."""
    estimate: float
    interval: Interval


@dataclass(frozen=True)
class SeedsNeeded:
    """``n`` replicas a model would settle it, by showing a ``settles``: 'difference' or
    'equivalence'. None: no number would, for the ``reason``."""
    n: int | None
    settles: Settled | None
    reason: str = ''


def mean_interval(values: Values, level: float = 1 - ALPHA) -> Interval | None:
    """Student's t interval of one mean; None of a single value."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return None
    return Estimate(float(x.mean()), _standard_error(x), len(x) - 1).interval(level)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def seed_difference(a: Values, b: Values, paired: bool) -> SeedDifference:
    """mean(a) - mean(b) with Student's paired t, else with Welch's (1947).

    Args:
        a, b: one value a replica; where ``paired``, those at one position belong together.

    Raises:
        ValueError: ``paired`` values of unequal number.
    """
    x, y = _replicas(a, b, paired)
    difference, n_a, n_b = float(x.mean() - y.mean()), len(x), len(y)
    if min(n_a, n_b) < 2:
        return SeedDifference(difference, None, None, n_a, n_b, paired)
    if paired:
        return SeedDifference(difference, _standard_error(x - y), n_a - 1, n_a, n_b, True)
    variances = [_standard_error(x)**2, _standard_error(y)**2]
    df = float(_satterthwaite(variances, [n_a - 1, n_b - 1]))
    return SeedDifference(difference, math.sqrt(sum(variances)), df, n_a, n_b, False)


def _replicas(a: Values, b: Values, paired: bool) -> tuple[np.ndarray, np.ndarray]:
    if paired and len(a) != len(b):
        raise ValueError(f'paired values must be as many in both, got {len(a)} and {len(b)}')
    return np.asarray(a, float), np.asarray(b, float)


def _satterthwaite(variances: Sequence[Any], dfs: Sequence[float]) -> np.ndarray:
    """Degrees of freedom of a sum of estimated variances (Satterthwaite 1946); inf of zeros."""
    spread = sum(np.square(v) / df for v, df in zip(variances, dfs))
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.where(spread > 0, np.square(sum(variances)) / spread, np.inf)


def combine(seed: SeedDifference, image_se: float | None) -> Combined:
    """Both sources of variation: the squares of the two intervals' half-widths add (MOVER, Zou and
    Donner 2008), Student's for the seeds, the normal one for the images.

    One degree of freedom for the sum, by Satterthwaite, would claim too much where two or three
    runs see little of their own spread: 87 % coverage of a 95 % interval for two pairs. This errs
    on the wide side, the more the fewer runs there are and the more alike the two parts; and what
    images and runs do together (a run that is good on some images) is in both. Where either part
    is unknown, so is the sum.
    """
    if seed.standard_error is None or image_se is None:
        return Combined(seed.difference, None, None, None)
    return Combined(seed.difference, seed.standard_error, seed.df, image_se)


def exact_p(a: Values, b: Values, paired: bool) -> ExactP | None:
    """Permutation test of equal means, two-sided, which assumes no distribution: every flip of a
    pair's signs, or every relabelling of the runs (Fisher 1935). None of single runs.

    Beyond MOST_RELABELLINGS so many are drawn, by a fixed seed, and the floor is theirs.
    """
    x, y = _replicas(a, b, paired)
    n_a, n_b = len(x), len(y)
    if min(n_a, n_b) < 2:
        return None
    count = 2**n_a if paired else math.comb(n_a + n_b, n_a)
    # what mirrors the labels is as far apart, and exists only for equal numbers
    floor = (2 if n_a == n_b else 1) / count
    drawn = count > MOST_RELABELLINGS
    found = stats.permutation_test(
        (x - y, ) if paired else (x, y), _distance, alternative='greater', vectorized=True,
        permutation_type='samples' if paired else 'independent',
        n_resamples=MOST_RELABELLINGS if drawn else np.inf, random_state=np.random.default_rng(0))
    return ExactP(float(found.pvalue), max(floor, 1 / (1 + MOST_RELABELLINGS)) if drawn else floor)


def _distance(x: np.ndarray, y: np.ndarray | None = None, axis: int = -1) -> np.ndarray:
    """Between means, or of one from zero. Rounded: ties must stay ties in floating point."""
    return np.abs(x.mean(axis) - (0 if y is None else y.mean(axis))).round(9)


def holm(p: Values) -> np.ndarray:
    """p values adjusted so that the chance of any false claim in the family stays at alpha
    (Holm 1979)."""
    raw = np.asarray(p, float)
    order = np.argsort(raw)
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def benjamini_hochberg(p: Values) -> np.ndarray:
    """p values adjusted for the share of false discoveries (Benjamini and Hochberg 1995)."""
    return stats.false_discovery_control(np.asarray(p, float))


def probability_of_improvement(a: Values, b: Values,
                               level: float = 1 - ALPHA) -> ProbabilityOfImprovement:
    """P(A > B) + P(A = B) / 2 over all pairs of runs (Mann and Whitney 1947), with the interval
    of Newcombe (2006), method 5, which has a width even where the runs do not overlap."""
    compared = np.asarray(a, float)[:, None] - np.asarray(b, float)[None]
    estimate = float(((compared > 0) + (compared == 0) / 2).mean())
    z, pairs, n = special.ndtri((1 + level) / 2), len(a) * len(b), (len(a) + len(b)) / 2

    def lower(estimate: float) -> float:

        def excess(theta: float) -> float:
            variance = theta * (1 - theta) / pairs * (
                2 * n - 1 - (3 * n - 3) / ((2 - theta) * (1 + theta)))
            return (estimate - theta)**2 - z * z * variance

        # 1 solves it, too, for an estimate of 1, but is no limit
        return optimize.brentq(excess, 0, min(estimate, 1 - 1e-9)) if estimate > 0 else 0.0

    return ProbabilityOfImprovement(estimate, Interval(lower(estimate), 1 - lower(1 - estimate)))


def verdict(combined: Estimate, adjusted_p: float | None, margin: float = EQUIVALENT,
            alpha: float = ALPHA) -> Verdict:
    """'better', 'worse', 'equivalent' or 'undecided'.

    Equivalent: the 1 - 2 alpha interval lies within ±margin (two one-sided tests, Schuirmann
    1987); that goes before better and worse, for a difference so small has no use. Where the
    error is unknown: undecided.
    """
    within = combined.interval(1 - 2 * alpha)
    if within is None:
        return 'undecided'
    if -margin < within.low and within.high < margin:
        return 'equivalent'
    if adjusted_p is not None and adjusted_p < alpha:
        return 'better' if combined.difference > 0 else 'worse'
    return 'undecided'


def seeds_needed(difference: float, seed_sd_a: float, seed_sd_b: float, image_se: float, *,
                 paired_sd: float | None = None, limit: int = 1000, alpha: float = ALPHA,
                 power: float = POWER, margin: float = EQUIVALENT,
                 adjustment: float = 1.0) -> SeedsNeeded:
    """The fewest replicas a model that settle it with ``power``, if the truth is as observed.

    Args:
        seed_sd_a, seed_sd_b: spread between replicas.
        paired_sd: spread of paired differences, used instead.
        image_se: of the difference over images; more seeds do not make it smaller.
        adjustment: what p of the difference is multiplied by for the family (Holm).
    """
    spreads = [seed_sd_a, seed_sd_b] if paired_sd is None else [paired_sd]

    @cache
    def powers(n: int) -> dict[str, float]:
        return _powers(difference, [sd**2 / n for sd in spreads], n - 1, image_se, alpha, margin,
                       adjustment)

    first: dict[Settled, int] = {}
    outcomes: tuple[Settled, ...] = ('difference', 'equivalence')
    for what in outcomes:
        n = 2 + bisect_left(range(2, limit + 1), power, key=lambda n: powers(n)[what])
        if n <= limit:
            first[what] = n
    if first:
        soonest = min(first, key=first.__getitem__)
        return SeedsNeeded(first[soonest], soonest)
    if max(_powers(difference, [], 1, image_se, alpha, margin, adjustment).values()) < power:
        return SeedsNeeded(None, None, 'too few validation images, whatever the seeds')
    return SeedsNeeded(None, None, f'more than {limit} seeds')


def _powers(difference: float, variances: Sequence[float], df: int, image_se: float, alpha: float,
            margin: float, adjustment: float) -> dict[str, float]:
    """Chance that :func:`combine` will show the true ``difference``, or an equivalence.

    Given the estimated variances it is a matter of the normal distribution; over those, each
    chi-squared with ``df``, it is averaged. That is the noncentral t where there is one variance
    and no image part, and also holds where degrees of freedom are themselves estimated.
    """
    draws = 2 * special.gammaincinv(df / 2, (1 + NODES) / 2) / df  # chi-squared quantiles over df
    estimated = [v * d for v, d in zip(variances, np.meshgrid(*[draws] * len(variances)))]
    weight = np.prod(np.meshgrid(*[WEIGHTS / 2] * len(variances)), axis=0)
    image_se = max(image_se, NO_SPREAD)
    error = math.hypot(math.sqrt(sum(variances)), image_se)
    seed_se, dfs = np.sqrt(sum(estimated)), _satterthwaite(estimated, [df] * len(variances))
    show, within = (np.hypot(special.stdtrit(dfs, 1 - a) * seed_se, special.ndtri(1 - a) * image_se)
                    / error for a in (alpha / adjustment / 2, alpha))
    shift, up, down = (x / error for x in (difference, margin - difference, margin + difference))
    chances = {'difference': special.ndtr(shift - show) + special.ndtr(-shift - show),
               'equivalence': np.maximum(
                   special.ndtr(up - within) + special.ndtr(down - within) - 1, 0)}
    return {what: float((chance * weight).sum()) for what, chance in chances.items()}
