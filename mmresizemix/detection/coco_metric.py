"""COCO AP, unrounded."""
import os.path as osp
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from mmdet.evaluation import CocoMetric as MMDetCocoMetric
from mmengine.fileio import load
from mmengine.logging import MMLogger

from ..registry import METRICS

# COCO's own: AP counts the best 100 detections of an image and class. mmdet sets its proposal_nums
# here, up to 1000, of which faster-coco-eval makes every AP, pycocotools all but the first.
MAX_DETECTIONS = [1, 10, 100]
# COCOeval's stats by mmdet's names: AP over IoU 0.50:0.95, at 0.50, at 0.75, and by object size
STATS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')


@METRICS.register_module()
class CocoMetric(MMDetCocoMetric):
    """mmdet's CocoMetric for boxes, with every digit of AP.

    mmdet rounds to 0.1 AP before anything is logged, which is the size of the differences that a
    comparison of backbones is about. Evaluated by faster-coco-eval, whose AP equals pycocotools',
    from at most 100 detections per image and class, as COCO's.
    Keys are mmdet's: ``coco/bbox_mAP``, ``coco/bbox_mAP_50``, ...; with ``classwise``,
    ``coco/<class>_precision``. All in 0..1; -1 where the set has no such object. No detection at
    all is an AP of 0 (mmdet returns no metric then).

    Args:
        ann_file (str): the COCO annotations; required.
        **kwargs: as mmdet's; ``metric`` must be 'bbox'.

    Raises:
        ValueError: no ``ann_file``, or another metric than 'bbox'.
    """

    def __init__(self, ann_file: str | None = None, **kwargs: Any):
        super().__init__(ann_file=None, **kwargs)
        if ann_file is None:
            raise ValueError('CocoMetric: ann_file is missing; give the annotations as a COCO json')
        if self.metrics != ['bbox']:
            raise ValueError(f"CocoMetric: expected metric='bbox', got {self.metrics}")
        self.ann_file = ann_file
        self._coco_api = COCO(ann_file)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """From all images' (truth, prediction): ``bbox_mAP`` and the like, 0 to 1, unrounded."""
        _, predictions = zip(*results)
        self.cat_ids = self._coco_api.getCatIds(catNms=list(self.dataset_meta['classes']))
        self.img_ids = self._coco_api.getImgIds()
        with TemporaryDirectory() as scratch:
            prefix = self.outfile_prefix or osp.join(scratch, 'results')
            boxes = load(self.results2json(predictions, prefix)['bbox'])
        if self.format_only:
            return {}
        evaluation = self._evaluate(boxes)
        metrics = {f'bbox_{name}': float(value) for name, value in zip(STATS, evaluation.stats)}
        if self.classwise:
            metrics.update(self._by_class(evaluation))
        MMLogger.get_current_instance().info(
            'bbox AP %.4f, AP50 %.4f, AP75 %.4f, by size S %.4f M %.4f L %.4f',
            *(metrics[f'bbox_{name}'] for name in STATS))
        return metrics

    def _evaluate(self, boxes: list[dict]) -> COCOeval_faster:
        detections = self._coco_api.loadRes(boxes) if boxes else self._no_detections()
        evaluation = COCOeval_faster(self._coco_api, detections, 'bbox', print_function=_silent)
        evaluation.params.catIds = self.cat_ids
        evaluation.params.imgIds = self.img_ids
        evaluation.params.maxDets = MAX_DETECTIONS
        evaluation.params.iouThrs = self.iou_thrs
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return evaluation

    def _no_detections(self) -> COCO:
        empty = COCO()
        empty.dataset = dict(self._coco_api.dataset, annotations=[])
        empty.createIndex()
        return empty

    def _by_class(self, evaluation: COCOeval_faster) -> dict[str, float]:
        precision = evaluation.eval['precision'][:, :, :, 0, -1]  # (IoU, recall, class)
        aps = [p[p > -1].mean() if (p > -1).any() else -1. for p in np.moveaxis(precision, 2, 0)]
        names = [c['name'] for c in self._coco_api.loadCats(self.cat_ids)]
        return {f'{name}_precision': float(ap) for name, ap in zip(names, aps)}


def _silent(*args: Any) -> None:
    """COCOeval prints its table; the logger has said it already."""
