r"""Average precision of a set whose image :math:`i` counts :math:`w_i` times.

With detections by falling score, :math:`h_d` whether detection :math:`d` is a hit, and :math:`i_d`
its image,

.. math::
    H_d = \sum_{e \le d} w_{i_e} h_e, \quad
    C_d = \sum_{e \le d} w_{i_e}, \quad
    \text{recall}_d = H_d / P, \quad \text{precision}_d = H_d / C_d, \quad P = \sum_p w_{i_p},

and AP is the mean, over recalls :math:`r`, of the best precision at a recall of at least
:math:`r` (COCO: 101 recalls, VOC 2007: 11), or the area under that envelope (VOC 2012).

With all :math:`w_i = 1` this is the AP of the set; with the multiplicities of a resample it is the
AP of the resampled set, to the last digit where scores differ. Only detections that hit can hold
the best precision, so that only those are looked at.
"""
import numpy as np

from .matching import Matched

COCO_RECALLS = np.linspace(0, 1, 101)
VOC_RECALLS = np.arange(0, 1.001, 0.1)  # as MMDetection spells them
AREA = None
EPSILON = np.spacing(1)


def average_precision(matched: Matched, weights: np.ndarray,
                      recalls: np.ndarray | None = COCO_RECALLS) -> np.ndarray:
    """AP of one class.

    Args:
        weights: int [B, N], how often each of N images counts, for B sets at once.
        recalls: rising, in 0..1; ``AREA``: the area under the envelope.

    Returns:
        float [B, T] in 0..1; NaN where the weighted set has no object of the class.
    """
    positives = weights[:, matched.positives].sum(1)
    end = np.flatnonzero(matched.hit.any(0)).max(initial=-1) + 1  # beyond, nothing can be a hit
    image, hit, ignored = matched.image[:end], matched.hit[:, :end], matched.ignored[:, :end]
    always = ~np.any(ignored, axis=0)  # counted at every threshold: summed up once for all
    ap = np.full((len(weights), len(hit)), np.nan)
    rows = positives > 0
    counted = _Cumulative(weights, image, always)
    needed = None if recalls is None else _hits_needed(positives[rows], recalls)
    for t in range(len(hit)):
        at = np.flatnonzero(hit[t])
        hits = np.take(weights, image[at], 1).cumsum(1)
        seen = counted.up_to(at) + _Cumulative(weights, image, ~ignored[t] & ~always).up_to(at)
        precision = hits / (seen + EPSILON)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        ap[rows, t] = (_area(hits[rows], best[rows], positives[rows]) if needed is None else
                       _interpolated(hits[rows], best[rows], needed))
    return ap


class _Cumulative:
    """How much weight the ``chosen`` detections have up to each detection."""

    def __init__(self, weights: np.ndarray, image: np.ndarray, chosen: np.ndarray):
        self.before = chosen.cumsum()
        of_chosen = np.take(weights, image[chosen], 1)
        self.sums = np.zeros((len(weights), of_chosen.shape[1] + 1), weights.dtype)
        np.cumsum(of_chosen, 1, out=self.sums[:, 1:])

    def up_to(self, at: np.ndarray) -> np.ndarray:
        return np.take(self.sums, self.before[at], 1)


def _interpolated(hits: np.ndarray, best: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Mean over recalls of the best precision from where each is reached, 0 where never."""
    rows, count = hits.shape
    apart = int(max(hits[:, -1].max(initial=0), needed.max(initial=0))) + 1 if count else 1
    row = np.arange(rows)[:, None]
    # one search over all rows, each moved past the one before it; whole numbers, so nothing is lost
    index = np.searchsorted((hits + row * apart).ravel(), needed + row * apart) - row * count
    padded = np.concatenate((best, np.zeros((rows, 1))), 1)
    return np.take_along_axis(padded, np.clip(index, 0, count), 1).mean(1)


def _hits_needed(positives: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """int [B, R], the fewest hits h with h / positives >= recall, in floats as COCO has it."""
    p = positives[:, None]
    needed = np.maximum(np.ceil(recalls * p).astype(np.int64), 0)
    needed += needed / p < recalls
    return needed - ((needed > 0) & ((needed - 1) / p >= recalls))


def _area(hits: np.ndarray, best: np.ndarray, positives: np.ndarray) -> np.ndarray:
    return (np.diff(hits, axis=1, prepend=0) * best).sum(1) / positives
