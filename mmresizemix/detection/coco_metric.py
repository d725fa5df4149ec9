"""The AP of COCO without rounding."""
import json
import os.path as osp
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from mmdet.evaluation import CocoMetric as MMDetCocoMetric
from mmengine.fileio import load
from mmengine.logging import MMLogger

from ..registry import METRICS
from .truth_ids import number_ids

# As in COCO, AP counts the best 100 detections per image and class. mmdet puts its proposal_nums
# here, up to 1000, and faster-coco-eval would compute every AP from so many. (pycocotools would
# compute all but the first from so many.)
MAX_DETECTIONS = [1, 10, 100]
# The stats of COCOeval by mmdet's names: AP over IoU 0.50:0.95, at 0.50, at 0.75, by object size.
STATS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
BOXES, MASKS = 'bbox', 'segm'


@METRICS.register_module()
class CocoMetric(MMDetCocoMetric):
    """The CocoMetric of mmdet for boxes and masks, with every digit of AP.

    mmdet rounds to 0.1 AP before it logs anything, and the differences between backbones are of
    this size. This metric is computed by faster-coco-eval, whose AP equals that of pycocotools,
    from at most 100 detections per image and class, as in COCO.

    The keys are those of mmdet: ``coco/bbox_mAP``, ``coco/bbox_mAP_50``, ..., ``coco/segm_mAP``,
    ... for masks and, with ``classwise``, ``coco/<class>_precision`` of boxes, and
    ``coco/segm_<class>_precision`` of masks (mmdet gives both one name). All values are in 0..1, or
    -1 if the set has no such object. If there is no detection at all, AP is 0 (mmdet returns no
    metric in this case). Ids of the annotation file that COCO's evaluation confuses, e.g. an
    annotation 0, are numbered anew.

    Args:
        ann_file (str): the COCO annotations. If it is None, they are the ``instances`` of the
            evaluated pictures, which ``PackDetInputs`` must keep (``meta_keys``).
        **kwargs: the arguments of mmdet's CocoMetric. ``metric`` is 'bbox', 'segm' or both.

    Raises:
        ValueError: ``metric`` is another one, or the detector gives no masks for 'segm'.
    """

    def __init__(self, ann_file: str | None = None, **kwargs: Any):
        super().__init__(ann_file=None, **kwargs)
        if not set(self.metrics) <= {BOXES, MASKS}:
            raise ValueError(f"CocoMetric: metric: expected 'bbox', 'segm' or both, got "
                             f'{self.metrics}')
        self.ann_file = ann_file
        self._number_of_image: dict[Any, int] = {}
        self._coco_api: Any = self._truth(ann_file) if ann_file else None

    def _truth(self, path: str) -> COCO:
        truth = COCO()
        truth.dataset = json.loads(Path(path).read_text(encoding='utf-8'))
        self._number_of_image = number_ids(truth.dataset)
        truth.createIndex()
        return truth

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute ``bbox_mAP``, ``segm_mAP`` and the other metrics, in 0..1 and unrounded.

        Args:
            results: (truth, prediction) of every image.
        """
        truths, predictions = zip(*results)
        # mmdet's own conversion to COCO json writes files, which are kept if a prefix is given.
        with TemporaryDirectory() as scratch:
            prefix = self.outfile_prefix or osp.join(scratch, 'results')
            if self._coco_api is None:
                self._coco_api = self._truth(self.gt_to_coco_json(truths, prefix))
            self.cat_ids = self._coco_api.getCatIds(catNms=list(self.dataset_meta['classes']))
            self.img_ids = self._coco_api.getImgIds()
            files = self.results2json(predictions, prefix)
            if MASKS in self.metrics and MASKS not in files:
                raise ValueError("CocoMetric: metric='segm' needs masks, and this detector gives "
                                 "none; set metric='bbox'")
            found = {kind: self._numbered(load(files[kind])) for kind in self.metrics}
        if self.format_only:
            return {}
        metrics: dict[str, float] = {}
        for kind, detections in found.items():
            evaluation = self._evaluate(detections, kind)
            metrics |= {f'{kind}_{name}': float(x) for name, x in zip(STATS, evaluation.stats)}
            if self.classwise:
                metrics |= self._by_class(evaluation, '' if kind == BOXES else f'{kind}_')
            MMLogger.get_current_instance().info(
                f'{kind} AP %.4f, AP50 %.4f, AP75 %.4f, by size S %.4f M %.4f L %.4f',
                *(metrics[f'{kind}_{name}'] for name in STATS))
        return metrics

    def _numbered(self, found: list[dict]) -> list[dict]:
        return [{**one, 'image_id': self._number_of_image[one['image_id']]} for one in found]

    def _evaluate(self, found: list[dict], kind: str) -> COCOeval_faster:
        if kind == MASKS:
            # The size of an object is then that of its mask. With a box, it would be the box's.
            found = [{k: v for k, v in one.items() if k != 'bbox'} for one in found]
        detections = self._coco_api.loadRes(found) if found else self._no_detections()
        evaluation = COCOeval_faster(self._coco_api, detections, kind, print_function=_silent)
        evaluation.params.catIds = self.cat_ids
        evaluation.params.imgIds = self.img_ids
        evaluation.params.maxDets = MAX_DETECTIONS
        evaluation.params.iouThrs = self.iou_thrs
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return evaluation

    def _no_detections(self) -> COCO:
        # loadRes fails on an empty list.
        empty = COCO()
        empty.dataset = dict(self._coco_api.dataset, annotations=[])
        empty.createIndex()
        return empty

    def _by_class(self, evaluation: COCOeval_faster, prefix: str) -> dict[str, float]:
        # Objects of all sizes, 100 detections: (IoU, recall, class). -1 means no object of a class.
        precision = evaluation.eval['precision'][:, :, :, 0, -1]
        aps = [p[p > -1].mean() if (p > -1).any() else -1. for p in np.moveaxis(precision, 2, 0)]
        names = [c['name'] for c in self._coco_api.loadCats(self.cat_ids)]
        return {f'{prefix}{name}_precision': float(ap) for name, ap in zip(names, aps)}


def _silent(*args: Any) -> None:
    """Print nothing. COCOeval would print its table, and the logger gives the same numbers."""
