"""Metrics of the detections of one model, on the set and on resamples of its images.

Letters in shapes: B resamples, K classes, T IoU thresholds.
"""
from dataclasses import dataclass
from typing import Any

import numpy as np

from .average_precision import AREA, VOC_RECALLS, average_precision
from .detections import Truth
from .matching import Matched, match_coco, match_voc

CHUNK = 100  # resamples at once, so that their weights stay in the cache of the CPU


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The metrics of one model, in 0..1, NaN where a set has no such object.

    Args:
        overall: float [1 + B] by metric. The first value is of the set itself, the others are of
            its resamples.
        by_class: float [1 + B, K] by 'AP' (and 'VOC11').
    """
    overall: dict[str, np.ndarray]
    by_class: dict[str, np.ndarray]

    def value(self, metric: str) -> float:
        """Return a metric over the whole set, in 0..1."""
        return float(self.overall[metric][0])


def image_weights(images: int, resamples: int, seed: int = 0) -> np.ndarray:
    """Draw images with replacement; return how often each was drawn, int [resamples, images].

    This is the exact bootstrap over images (Efron 1979). The same (images, resamples, seed) give
    the same draws, so two models that are evaluated with them are compared on the same resamples,
    in pairs.
    """
    rng = np.random.default_rng([seed, images])
    return np.stack([np.bincount(rng.integers(0, images, images), minlength=images)
                     for _ in range(resamples)]) if resamples else np.zeros((0, images), int)


def evaluate(truth: Truth, detections: list[dict[str, Any]], *, voc: bool = False,
             masks: bool = False, resamples: int = 0, seed: int = 0) -> Evaluation:
    """Compute COCO's AP, and VOC's if requested, on the set and on ``resamples`` resamples.

    Args:
        masks: compute the AP of masks, not of boxes.
        voc: also compute the mAP at IoU 0.5 by the rule of VOC, by 11 points and by area.
    """
    images = len(truth.image_ids)
    # The set itself is the first row: every image counts once.
    weights = np.concatenate((np.ones((1, images), int), image_weights(images, resamples, seed)))
    weights = weights.astype(np.int32)
    parts = [_coco(match_coco(truth, detections, masks), weights)]
    if voc:
        parts.append(_voc(truth, detections, weights))
    overall, by_class = ({k: v for part in parts for k, v in part[i].items()} for i in (0, 1))
    return Evaluation(overall, by_class)


def _coco(matched: dict[str, list[Matched]], weights: np.ndarray) -> tuple:
    ap = {area: _over_classes(classes, weights) for area, classes in matched.items()}  # [B, K, T]
    # Index 0 is the IoU threshold 0.5, and index 5 is 0.75.
    overall = dict(AP=_mean(ap['all']), AP50=_mean(ap['all'][:, :, :1]),
                   AP75=_mean(ap['all'][:, :, 5:6]), APs=_mean(ap['small']),
                   APm=_mean(ap['medium']), APl=_mean(ap['large']))
    return overall, dict(AP=ap['all'].mean(2))


def _voc(truth: Truth, detections: list[dict[str, Any]], weights: np.ndarray) -> tuple:
    matched = match_voc(truth, detections)
    points, area = (_over_classes(matched, weights, recalls) for recalls in (VOC_RECALLS, AREA))
    return dict(VOC11=_mean(points), VOCarea=_mean(area)), dict(VOC11=points[:, :, 0])


def _over_classes(matched: list, weights: np.ndarray, *recalls: Any) -> np.ndarray:
    """Return the AP of every class, float [B, K, T]."""
    chunks = [weights[i:i + CHUNK] for i in range(0, len(weights), CHUNK)]
    return np.concatenate([np.stack([average_precision(one, chunk, *recalls) for one in matched], 1)
                           for chunk in chunks])


def _mean(ap: np.ndarray) -> np.ndarray:
    """Average over classes and thresholds. Leave out classes without objects, as COCO does."""
    known = ~np.isnan(ap)
    count = known.sum((1, 2))
    with np.errstate(invalid='ignore'):
        return np.where(known, ap, 0).sum((1, 2)) / np.where(count, count, np.nan)
