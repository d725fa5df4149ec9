"""Match detections to objects, by the rule of COCO and by that of Pascal VOC.

Matching is done within an image, so it stays valid however often a resample repeats the image. It
is done once, and the bootstrap only changes the weights of the images.

Letters in shapes: D detections, O objects, P objects that count, T IoU thresholds, N images,
K classes, A areas.
"""
import io
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .detections import Truth

AREAS = ('all', 'small', 'medium', 'large')
COCO_IOUS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True, eq=False)
class Matched:
    """The matches of one class over a whole set, with detections sorted by falling score.

    Args:
        image: int [D], the image index of each detection.
        hit: bool [T, D], whether the detection found an object that counts.
        ignored: bool [T, D], whether the detection is neither right nor wrong, since it is on a
            crowd or a difficult object, or is of another size.
        positives: int [P], the image index of each object that counts.
    """
    image: np.ndarray
    hit: np.ndarray
    ignored: np.ndarray
    positives: np.ndarray


def match_coco(truth: Truth, detections: list[dict[str, Any]],
               masks: bool = False) -> dict[str, list[Matched]]:
    """Match by the rule of COCO, with pycocotools, which is the reference.

    Args:
        masks: compare masks, not boxes.

    Returns:
        A list over classes for each area of :data:`AREAS`.
    """
    with redirect_stdout(io.StringIO()):  # pycocotools prints its steps
        reference = COCO()
        # pycocotools takes an object of id 0 for none, and stops at one without iscrowd.
        reference.dataset = dict(truth.content, annotations=[
            {**one, 'id': i, 'iscrowd': one.get('iscrowd', 0)}
            for i, one in enumerate(truth.content['annotations'], 1)])
        reference.createIndex()
        evaluation = COCOeval(reference, _load(reference, detections, masks),
                              'segm' if masks else 'bbox')
        evaluation.params.catIds = list(truth.categories)
        evaluation.params.imgIds = truth.image_ids
        evaluation.evaluate()
    # evalImgs is a flat list [K * A * N], with the classes slowest and the images fastest.
    images = len(truth.image_ids)
    per_class = iter(np.array(evaluation.evalImgs, dtype=object).reshape(-1, images))
    found: dict[str, list[Matched]] = {area: [] for area in AREAS}
    for _ in truth.categories:
        for area in AREAS:
            found[area].append(_join(next(per_class)))
    return found


def _load(reference: COCO, detections: list[dict[str, Any]], masks: bool) -> COCO:
    if detections:
        # loadRes adds fields to the dicts that it is given, so it gets copies. With a box, the size
        # of an object would be the box's, even where masks are compared.
        return reference.loadRes([{k: v for k, v in one.items() if not masks or k != 'bbox'}
                                  for one in detections])
    # loadRes fails on an empty list.
    empty = COCO()
    empty.dataset = dict(reference.dataset, annotations=[])
    empty.createIndex()
    return empty


def _join(images: np.ndarray) -> Matched:
    """Join the ``evalImgs`` [N] of one class and area into a :class:`Matched`."""
    seen = [(i, e) for i, e in enumerate(images) if e is not None]
    if not seen:
        nothing = np.zeros((len(COCO_IOUS), 0), bool)
        return Matched(np.zeros(0, int), nothing, nothing, np.zeros(0, int))
    scores = np.concatenate([e['dtScores'] for _, e in seen])
    # The sort is stable, as in pycocotools: equal scores stay in the order of the images.
    order = np.argsort(-scores, kind='mergesort')
    ignored = np.concatenate([e['dtIgnore'] for _, e in seen], 1)[:, order].astype(bool)
    matched = np.concatenate([e['dtMatches'] for _, e in seen], 1)[:, order].astype(bool)
    image = np.repeat([i for i, _ in seen], [len(e['dtScores']) for _, e in seen])[order]
    # gtIgnore is 1 for crowds and for objects outside of the area.
    counted = [np.count_nonzero(np.asarray(e['gtIgnore']) == 0) for _, e in seen]
    positives = np.repeat([i for i, _ in seen], counted)
    return Matched(image.astype(int), matched & ~ignored, ignored, positives.astype(int))


def match_voc(truth: Truth, detections: list[dict[str, Any]], iou: float = 0.5) -> list[Matched]:
    """Match by the rule of Pascal VOC's development kit; return a list over classes.

    A detection is matched to the object that it overlaps most, even if an earlier detection has
    found that object. In that case the later one is wrong. A detection on a difficult object
    (``iscrowd``) is ignored. Boxes include their last pixels, so a side is x2 - x1 + 1. The overlap
    is computed in float32, as in MMDetection's VOCMetric.
    """
    objects = _by_class_and_image(truth, truth.content['annotations'])
    found = _by_class_and_image(truth, detections)
    return [_match_voc_class(objects[k], found[k], iou) for k in truth.categories]


def _by_class_and_image(truth: Truth, boxes: list[dict[str, Any]]) -> dict[int, dict[int, list]]:
    by: dict[int, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    for box in boxes:
        by[box['category_id']][truth.image_index[box['image_id']]].append(box)
    return by


def _match_voc_class(objects: dict[int, list], found: dict[int, list], iou: float) -> Matched:
    image, score, hit, ignored = [], [], [], []
    # Match image by image, then sort the detections of all images by score.
    for i, detections in sorted(found.items()):
        detections = sorted(detections, key=lambda d: -d['score'])
        here, here_ignored = found_in_image(detections, objects.get(i, []), iou)
        image += [i] * len(detections)
        score += [d['score'] for d in detections]
        hit.append(here)
        ignored.append(here_ignored)
    positives = [i for i, here in sorted(objects.items()) for o in here if not o.get('iscrowd')]
    order = np.argsort(-np.array(score, float), kind='mergesort')
    return Matched(np.array(image, int)[order], _row(hit)[:, order], _row(ignored)[:, order],
                   np.array(positives, int))


def _row(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([*parts, np.zeros(0, bool)])[None]


def found_in_image(detections: list[dict[str, Any]], objects: list[dict[str, Any]],
                   iou: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Match one class in one image by the rule of VOC; return (hit, ignored), bool [D] each.

    Args:
        detections: sorted by falling score.
    """
    hit, ignored = np.zeros((2, len(detections)), bool)
    if not objects or not detections:
        return hit, ignored
    overlaps = _inclusive_iou(_corners(detections), _corners(objects))  # [D, O]
    best = overlaps.argmax(1)
    near = overlaps.max(1) >= iou
    ignored = near & np.array([bool(o.get('iscrowd')) for o in objects])[best]
    # The detection with the best score takes an object, and later ones on it are wrong.
    taken = set()
    for d in np.flatnonzero(near & ~ignored):
        hit[d] = best[d] not in taken
        taken.add(best[d])
    return hit, ignored


def _corners(boxes: list[dict[str, Any]]) -> np.ndarray:
    xywh = np.array([b['bbox'] for b in boxes], float).reshape(-1, 4)
    return np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), 1).astype(np.float32)


def _inclusive_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    one = np.float32(1)
    area_a, area_b = ((box[:, 2] - box[:, 0] + one) * (box[:, 3] - box[:, 1] + one)
                      for box in (a, b))
    start = np.maximum(a[:, None, :2], b[None, :, :2])
    end = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.maximum(end - start + one, 0).prod(2)
    return overlap / np.maximum(area_a[:, None] + area_b - overlap, np.float32(1e-6))
