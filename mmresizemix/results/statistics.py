"""Statistics of the difference between the AP of two models.

All functions are pure, and all values are in AP points. Two sources of variation are kept apart.
The *seed* variation is the spread over training runs on one validation set. The *image* variation
is the spread over resamples of the validation images, for given runs. :func:`combine` joins them.
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
EQUIVALENT = 0.2  # AP points; to maintainers, such noise is no difference (mmdetection#3624)
MOST_RELABELLINGS = 50_000  # of an exact test; if there are more, that many are drawn
LEAST_P = 1e-12  # smaller p-values count as 0
NO_SPREAD = 1e-9  # AP points; the least error, to avoid a division by zero if nothing varies
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)  # Gauss-Legendre, to average over chi-squared

Values = Sequence[float] | np.ndarray
Settled = Literal['difference', 'equivalence']
Verdict = Literal['better', 'worse', 'equivalent', 'undecided']


@dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of the quantity that it bounds."""
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A difference, its standard error, and the degrees of freedom of that error.

    Degrees of freedom of inf mean that the error is known. Both are None if there are too few runs
    to estimate a spread.
    """
    difference: float
    standard_error: float | None
    df: float | None

    @property
    def p(self) -> float | None:
        """The two-sided p-value of no difference (Student's t), None without a standard error."""
        if self.standard_error is None:
            return None
        if self.standard_error == 0:
            return float(self.difference == 0)
        t = self.difference / self.standard_error
        # stats.t calls this function too, and takes ten times as long. There is one call per class.
        return float(2 * special.stdtr(self.df, -abs(t)))

    def half_width(self, alpha: float) -> float:
        """Return half the width of the 1 - alpha interval. The standard error must not be None."""
        return float(-special.stdtrit(self.df, alpha / 2) * self.standard_error)

    def interval(self, level: float = 1 - ALPHA) -> Interval | None:
        """Return the confidence interval at ``level``, or None without a standard error."""
        if self.standard_error is None:
            return None
        half = self.half_width(1 - level)
        return Interval(self.difference - half, self.difference + half)


@dataclass(frozen=True)
class SeedDifference(Estimate):
    """The difference between ``n_a`` replicas of one model and ``n_b`` replicas of the other.

    Args:
        paired: whether the replicas were compared in pairs.
    """
    n_a: int
    n_b: int
    paired: bool


@dataclass(frozen=True)
class Combined(Estimate):
    """A difference with the errors over training runs and over validation images.

    The errors over training runs are ``standard_error`` and ``df``, as in :class:`Estimate`. The
    standard error over validation images is ``image_se``.
    """
    image_se: float | None

    @property
    def p(self) -> float | None:
        """The p-value: the alpha whose 1 - alpha interval just reaches no difference."""
        if self.standard_error is None:
            return None
        distance = abs(self.difference)
        if distance == 0:
            return 1.0
        if self.half_width(LEAST_P) <= distance:
            return 0.0
        # The half-width falls as alpha grows, so there is one root. The logarithm of p is searched,
        # since p spans many orders of magnitude.
        return math.exp(optimize.brentq(
            lambda log_p: self.half_width(math.exp(log_p)) - distance, math.log(LEAST_P), 0))

    def half_width(self, alpha: float) -> float:
        """Return the root of the sum of the squared half-widths of both sources (MOVER)."""
        return math.hypot(super().half_width(alpha), special.ndtri(alpha / 2) * self.image_se)


@dataclass(frozen=True)
class ExactP:
    """The p-value of an exact test, and the smallest that is possible with so few replicas."""
    p: float
    floor: float


@dataclass(frozen=True)
class ProbabilityOfImprovement:
    """The probability that a run of one model beats a run of the other, in 0..1.

    The interval is of 95 %.
    """
    estimate: float
    interval: Interval


@dataclass(frozen=True)
class SeedsNeeded:
    """The number of replicas per model that would settle a comparison.

    Args:
        n: the number of replicas. None if no number is known to settle it, for the ``reason``.
        settles: what ``n`` replicas would show: 'difference' or 'equivalence'.
        reason: why there is no number.
    """
    n: int | None
    settles: Settled | None
    reason: str = ''


def mean_interval(values: Values, level: float = 1 - ALPHA) -> Interval | None:
    """Return Student's t interval of a mean, or None for a single value."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return None
    return Estimate(float(x.mean()), _standard_error(x), len(x) - 1).interval(level)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def seed_difference(a: Values, b: Values, paired: bool) -> SeedDifference:
    """Estimate mean(a) - mean(b) by Student's paired t if ``paired``, else by that of Welch (1947).

    Args:
        a, b: one value per replica. If ``paired``, the values at the same position belong together.

    Raises:
        ValueError: ``paired`` is true, and the numbers of values differ.
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
    """Return the degrees of freedom of a sum of estimated variances (Satterthwaite 1946).

    They are inf if all variances are 0.
    """
    spread = sum(np.square(v) / df for v, df in zip(variances, dfs))
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.where(spread > 0, np.square(sum(variances)) / spread, np.inf)


def combine(seed: SeedDifference, image_se: float | None) -> Combined:
    """Combine both sources of variation by adding the squared half-widths of their intervals.

    This is the method MOVER (Zou and Donner 2008). The interval is Student's for the seeds, and
    normal for the images.

    One number of degrees of freedom for the sum, by Satterthwaite, would claim too much if two or
    three runs show little of their spread: a 95 % interval from two pairs would have a coverage of
    87 %. MOVER errs on the wide side, and more so with fewer runs and with parts of similar size.
    The joint effect of images and runs (a run that is good on some images) is in both parts. If
    either part is unknown, so is the sum.
    """
    if seed.standard_error is None or image_se is None:
        return Combined(seed.difference, None, None, None)
    return Combined(seed.difference, seed.standard_error, seed.df, image_se)


def exact_p(a: Values, b: Values, paired: bool) -> ExactP | None:
    """Test for equal means by permutation (Fisher 1935), two-sided.

    The test assumes no distribution. It takes every flip of the signs of the pairs, or every
    relabelling of the runs. If there are more than ``MOST_RELABELLINGS``, that many are drawn with
    a fixed seed, and the floor is the smallest p-value that so many draws allow.

    Returns:
        The p-value with its floor, or None if either model has a single run.
    """
    x, y = _replicas(a, b, paired)
    n_a, n_b = len(x), len(y)
    if min(n_a, n_b) < 2:
        return None
    count = 2**n_a if paired else math.comb(n_a + n_b, n_a)
    # For equal numbers of runs, the mirrored labels are a relabelling with the same distance.
    floor = (2 if n_a == n_b else 1) / count
    drawn = count > MOST_RELABELLINGS
    found = stats.permutation_test(
        (x - y, ) if paired else (x, y), _distance, alternative='greater', vectorized=True,
        permutation_type='samples' if paired else 'independent',
        n_resamples=MOST_RELABELLINGS if drawn else np.inf, random_state=np.random.default_rng(0))
    return ExactP(float(found.pvalue), max(floor, 1 / (1 + MOST_RELABELLINGS)) if drawn else floor)


def _distance(x: np.ndarray, y: np.ndarray | None = None, axis: int = -1) -> np.ndarray:
    """Return the distance between two means, or that of one mean from zero."""
    # Rounded, so that distances that are equal on paper are equal in floating point.
    return np.abs(x.mean(axis) - (0 if y is None else y.mean(axis))).round(9)


def holm(p: Values) -> np.ndarray:
    """Adjust p-values so that the chance of any false claim in the family is at most alpha
    (Holm 1979)."""
    raw = np.asarray(p, float)
    order = np.argsort(raw)
    # The smallest of n values is multiplied by n, the next by n - 1, ... and none may be smaller
    # than the one before it.
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def benjamini_hochberg(p: Values) -> np.ndarray:
    """Adjust p-values for the false discovery rate (Benjamini and Hochberg 1995)."""
    return stats.false_discovery_control(np.asarray(p, float))


def probability_of_improvement(a: Values, b: Values,
                               level: float = 1 - ALPHA) -> ProbabilityOfImprovement:
    """Estimate P(A > B) + P(A = B) / 2 over all pairs of runs (Mann and Whitney 1947).

    The interval is method 5 of Newcombe (2006), which has a width even if the runs do not overlap.
    """
    compared = np.asarray(a, float)[:, None] - np.asarray(b, float)[None]
    estimate = float(((compared > 0) + (compared == 0) / 2).mean())
    z, pairs, n = special.ndtri((1 + level) / 2), len(a) * len(b), (len(a) + len(b)) / 2

    def lower(estimate: float) -> float:

        def excess(theta: float) -> float:
            variance = theta * (1 - theta) / pairs * (
                2 * n - 1 - (3 * n - 3) / ((2 - theta) * (1 + theta)))
            return (estimate - theta)**2 - z * z * variance

        # For an estimate of 1, theta = 1 is a root too, but it is not the limit that is wanted.
        return optimize.brentq(excess, 0, min(estimate, 1 - 1e-9)) if estimate > 0 else 0.0

    # The upper limit is the lower limit with the models exchanged.
    return ProbabilityOfImprovement(estimate, Interval(lower(estimate), 1 - lower(1 - estimate)))


def verdict(combined: Estimate, adjusted_p: float | None, margin: float = EQUIVALENT,
            alpha: float = ALPHA) -> Verdict:
    """Decide between 'better', 'worse', 'equivalent' and 'undecided'.

    Models are equivalent if the 1 - 2 alpha interval lies within ±margin (two one-sided tests,
    Schuirmann 1987). This goes before better and worse, because such a small difference has no use.
    If the error is unknown, the verdict is 'undecided'.

    Args:
        adjusted_p: the p-value of the difference, adjusted for the family. None if unknown.
    """
    within = combined.interval(1 - 2 * alpha)
    if within is None:
        return 'undecided'
    if -margin < within.low and within.high < margin:
        return 'equivalent'
    if adjusted_p is not None and adjusted_p < alpha:
        return 'better' if combined.difference > 0 else 'worse'
    return 'undecided'


def seeds_needed(difference: float, seed_sd_a: float, seed_sd_b: float, *, image_se: float,
                 paired_sd: float | None = None, limit: int = 1000, alpha: float = ALPHA,
                 power: float = POWER, margin: float = EQUIVALENT,
                 adjustment: float = 1.0) -> SeedsNeeded:
    """Find the fewest replicas per model that settle the comparison with ``power``.

    The true difference and spreads are assumed to be the observed ones.

    Args:
        difference: the observed difference.
        seed_sd_a, seed_sd_b: the standard deviation between the replicas of each model.
        image_se: the standard error of the difference over images. More seeds do not reduce it.
        paired_sd: the standard deviation of paired differences. It replaces ``seed_sd_a`` and
            ``seed_sd_b`` if given.
        limit: the most replicas to consider.
        adjustment: the factor on the p-value of the difference for its family (Holm).
    """
    spreads = [seed_sd_a, seed_sd_b] if paired_sd is None else [paired_sd]

    @cache
    def powers(n: int) -> dict[str, float]:
        return _powers(difference, [sd**2 / n for sd in spreads], n - 1, image_se=image_se,
                       alpha=alpha, margin=margin, adjustment=adjustment)

    first: dict[Settled, int] = {}
    outcomes: tuple[Settled, ...] = ('difference', 'equivalence')
    for what in outcomes:
        # A binary search, since the power grows with the number of replicas.
        n = 2 + bisect_left(range(2, limit + 1), power, key=lambda n: powers(n)[what])
        if n <= limit:
            first[what] = n
    if first:
        soonest = min(first, key=first.__getitem__)
        return SeedsNeeded(first[soonest], soonest)
    # Without any variance over seeds, only the images are left to limit the power.
    if max(_powers(difference, [], 1, image_se=image_se, alpha=alpha, margin=margin,
                   adjustment=adjustment).values()) < power:
        return SeedsNeeded(None, None, 'too few validation images, for any number of seeds')
    return SeedsNeeded(None, None, f'more than {limit} seeds')


def _powers(difference: float, variances: Sequence[float], df: int, *, image_se: float,
            alpha: float, margin: float, adjustment: float) -> dict[str, float]:
    """Compute the chance that :func:`combine` shows the true ``difference``, or an equivalence.

    For given estimates of the variances, the chance follows from the normal distribution. It is
    then averaged over these estimates, each of which is chi-squared with ``df`` degrees of freedom.
    With one variance and no image part, this is the noncentral t distribution. It also holds if the
    degrees of freedom are estimated themselves.
    """
    # The quantiles of chi-squared / df at the nodes, so that averaging over nodes is averaging over
    # the distribution. With two variances, the nodes form a grid.
    draws = 2 * special.gammaincinv(df / 2, (1 + NODES) / 2) / df
    estimated = [v * d for v, d in zip(variances, np.meshgrid(*[draws] * len(variances)))]
    weight = np.prod(np.meshgrid(*[WEIGHTS / 2] * len(variances)), axis=0)
    image_se = max(image_se, NO_SPREAD)
    error = math.hypot(math.sqrt(sum(variances)), image_se)
    # Half-widths of the two intervals in units of the true error, for each pair of estimates.
    seed_se, dfs = np.sqrt(sum(estimated)), _satterthwaite(estimated, [df] * len(variances))
    show, within = (np.hypot(special.stdtrit(dfs, 1 - a) * seed_se, special.ndtri(1 - a) * image_se)
                    / error for a in (alpha / adjustment / 2, alpha))
    shift, up, down = (x / error for x in (difference, margin - difference, margin + difference))
    chances = {'difference': special.ndtr(shift - show) + special.ndtr(-shift - show),
               'equivalence': np.maximum(
                   special.ndtr(up - within) + special.ndtr(down - within) - 1, 0)}
    return {what: float((chance * weight).sum()) for what, chance in chances.items()}
