r"""Average precision (AP) of a set whose image :math:`i` counts :math:`w_i` times.

The detections are sorted by falling score. Let :math:`h_d` be 1 if detection :math:`d` is a hit
and 0 if it is not, let :math:`i_d` be its image, and let :math:`i_p` be the image of object
:math:`p`. Then

.. math::
    H_d = \sum_{e \le d} w_{i_e} h_e, \quad
    C_d = \sum_{e \le d} w_{i_e}, \quad
    \text{recall}_d = H_d / P, \quad \text{precision}_d = H_d / C_d, \quad P = \sum_p w_{i_p},

and AP is the mean, over recalls :math:`r`, of the best precision at a recall of at least
:math:`r` (COCO uses 101 recalls, VOC 2007 uses 11), or the area under that envelope (VOC 2012).

If all :math:`w_i = 1`, this is the AP of the set. If :math:`w_i` is the number of times that a
resample holds image :math:`i`, it is the AP of the resampled set, to the last digit where scores
differ. The best precision is always reached at a hit, so only hits are considered.

Letters in shapes: B sets, N images, D detections, T IoU thresholds, R recalls.
"""
import numpy as np

from .matching import Matched

COCO_RECALLS = np.linspace(0, 1, 101)
VOC_RECALLS = np.arange(0, 1.001, 0.1)  # written as in MMDetection
AREA = None  # in place of recalls: the area under the envelope
EPSILON = np.spacing(1)  # pycocotools adds it to a divisor, so that no division is by zero


def average_precision(matched: Matched, weights: np.ndarray,
                      recalls: np.ndarray | None = COCO_RECALLS) -> np.ndarray:
    """Compute the AP of one class.

    Args:
        weights: int [B, N], how often each of N images counts, for B sets at once.
        recalls: rising values in 0..1, or ``AREA`` for the area under the envelope.

    Returns:
        float [B, T] in 0..1. A value is NaN where the weighted set has no object of the class.
    """
    positives = weights[:, matched.positives].sum(1)
    # What follows the last hit at any threshold does not change the envelope.
    end = np.flatnonzero(matched.hit.any(0)).max(initial=-1) + 1
    image, hit, ignored = matched.image[:end], matched.hit[:, :end], matched.ignored[:, :end]
    # Detections that are ignored at no threshold are summed once for all thresholds.
    always = ~np.any(ignored, axis=0)
    ap = np.full((len(weights), len(hit)), np.nan)
    rows = positives > 0
    counted = _Cumulative(weights, image, always)
    needed = None if recalls is None else _hits_needed(positives[rows], recalls)
    for t in range(len(hit)):
        # These are H_d and C_d of the module's formula, only at detections that are hits.
        at = np.flatnonzero(hit[t])
        hits = np.take(weights, image[at], 1).cumsum(1)
        seen = counted.up_to(at) + _Cumulative(weights, image, ~ignored[t] & ~always).up_to(at)
        precision = hits / (seen + EPSILON)
        # This is the envelope, the best precision from each hit onwards.
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        ap[rows, t] = (_area(hits[rows], best[rows], positives[rows]) if needed is None else
                       _interpolated(hits[rows], best[rows], needed))
    return ap


class _Cumulative:
    """The weight of the ``chosen`` detections up to and including each detection."""

    def __init__(self, weights: np.ndarray, image: np.ndarray, chosen: np.ndarray):
        self.before = chosen.cumsum()
        of_chosen = np.take(weights, image[chosen], 1)
        # Column k is the weight of the first k chosen detections, so column 0 stays zero.
        self.sums = np.zeros((len(weights), of_chosen.shape[1] + 1), weights.dtype)
        np.cumsum(of_chosen, 1, out=self.sums[:, 1:])

    def up_to(self, at: np.ndarray) -> np.ndarray:
        return np.take(self.sums, self.before[at], 1)


def _interpolated(hits: np.ndarray, best: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Average the best precision over recalls, from where each is reached; 0 if it never is."""
    rows, count = hits.shape
    # One binary search serves all rows: each row is shifted past the row before it. All values are
    # integers, so the shift loses no digits.
    apart = int(max(hits[:, -1].max(initial=0), needed.max(initial=0))) + 1 if count else 1
    row = np.arange(rows)[:, None]
    index = np.searchsorted((hits + row * apart).ravel(), needed + row * apart) - row * count
    # A recall that is never reached points to the last column, which is 0.
    padded = np.concatenate((best, np.zeros((rows, 1))), 1)
    return np.take_along_axis(padded, np.clip(index, 0, count), 1).mean(1)


def _hits_needed(positives: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """Return the fewest hits h with h / positives >= recall, int [B, R], in floats as COCO does."""
    p = positives[:, None]
    # Rounding may put the product on either side of an integer. The next two lines apply the very
    # comparison of floats that COCO makes, and correct the result by one hit.
    needed = np.maximum(np.ceil(recalls * p).astype(np.int64), 0)
    needed += needed / p < recalls
    return needed - ((needed > 0) & ((needed - 1) / p >= recalls))


def _area(hits: np.ndarray, best: np.ndarray, positives: np.ndarray) -> np.ndarray:
    return (np.diff(hits, axis=1, prepend=0) * best).sum(1) / positives
