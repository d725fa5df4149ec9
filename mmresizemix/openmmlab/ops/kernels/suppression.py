"""Non-maximum suppression: greedy on torchvision's kernel, soft and grouping in NumPy."""
import numpy as np
import torch
from torch import Tensor

from .common import at_least_single


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Return the indices of the kept boxes, best first. With ``offset`` 1, x2 and y2 are inside the
    box."""
    import torchvision
    boxes = at_least_single(boxes)
    # Sides are x2 - x1 + offset, which is the same as moving the far corner.
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    # The kernel only compares the scores, but expects them in the dtype of the boxes.
    return torchvision.ops.nms(boxes, scores.to(boxes), iou_threshold)


def softnms(boxes: Tensor, scores: Tensor, dets: Tensor, iou_threshold: float, sigma: float,
            min_score: float, method: int, offset: int) -> Tensor:
    """Suppress by lowering the scores of overlapping boxes (Bodla et al., "Soft-NMS", ICCV 2017).

    Args:
        boxes: (N, 4), on the CPU.
        scores: (N,), on the CPU.
        dets: an (N, 5) tensor. The kept boxes and their final scores are written into its first
            rows.
        iou_threshold: N_t.
        sigma: σ of ``method`` 2.
        min_score: a box whose score has become lower is dropped.
        method: 0 for greedy suppression, 1 for s_i ← s_i (1 - IoU) where IoU >= N_t, 2 for
            s_i ← s_i exp(-IoU² / σ).
        offset: as for :func:`nms`.

    Returns:
        The indices of the kept boxes, in the order of their selection.
    """
    b, s = _array(boxes), _array(scores).copy()
    left, order = np.arange(len(b)), []
    while len(left):
        best = left[s[left].argmax()]
        order.append(best)
        left = left[left != best]
        iou = _iou(b[best], b[left], offset)
        if method == 2:
            s[left] *= np.exp(-iou**2 / sigma)
        else:
            s[left] *= np.where(iou >= iou_threshold, 1 - iou if method else 0, 1)
        left = left[s[left] >= min_score]
    kept = torch.tensor(order, dtype=torch.long)
    dets[:len(kept)] = torch.cat((boxes[kept], torch.from_numpy(s)[kept, None]), 1)
    return kept


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Return, for each box that greedy suppression keeps, its index and those of the boxes that it
    suppresses, best first. ``dets`` (N, 5) are boxes and scores, on the CPU."""
    rows = _array(dets)
    left, groups = (-rows[:, 4]).argsort(kind='stable'), []
    while len(left):
        best, left = left[0], left[1:]
        near = _iou(rows[best], rows[left], 0) >= iou_threshold
        groups.append([int(best), *left[near].tolist()])
        left = left[~near]
    return groups


def _array(values: Tensor) -> np.ndarray:
    return at_least_single(values.detach()).numpy()


def _iou(box: np.ndarray, boxes: np.ndarray, offset: int) -> np.ndarray:
    """Return the IoU of ``box`` with each of ``boxes``."""
    x1, y1, x2, y2 = boxes.T[:4]
    w = np.minimum(x2, box[2]) - np.maximum(x1, box[0]) + offset
    h = np.minimum(y2, box[3]) - np.maximum(y1, box[1]) + offset
    shared = w.clip(min=0) * h.clip(min=0)
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    return shared / ((box[2] - box[0] + offset) * (box[3] - box[1] + offset) + areas - shared)
