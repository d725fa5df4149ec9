"""A hook that keeps the detections of each validation and the truth in the run, as COCO json.

AP of any kind can then be computed again without the model, the pictures or the data set.
"""
import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from mmdet.datasets import CocoDataset
from mmdet.evaluation import CocoMetric
from mmdet.structures.mask import encode_mask_results
from mmengine.dist import master_only
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..files import file_sha256, write_text
from ..registry import HOOKS
from ..runs.detection_index import FOLDER, TRUTH, Dump, DumpIndex
from ..runs.logs import HEADLINES
from .coco_metric import BOXES, MASKS
from .truth_ids import number_ids

DISTRIBUTIONS = ('mmengine', 'mmcv', 'mmdet', 'torch', 'torchvision', 'numpy', 'pycocotools',
                 'faster-coco-eval')


@HOOKS.register_module()
class DetectionDump(Hook):
    """Write the detections of validations and tests into ``<work_dir>/detections/``.

    The folder holds ``truth.json``, an ``epoch_N.bbox.json`` for the newest and one for the best
    validation, and ``index.json``, which says what they are. If CocoMetric evaluates masks, there
    is an ``epoch_N.segm.json`` beside each, and the truth has masks.

    Boxes and scores have every digit, and masks every pixel. If the set has no COCO ids (VOC), its
    images are numbered 1, 2, ..., and its "difficult" objects are ``iscrowd``, as in MMDetection's
    own conversion.

    ``tools/compare.py`` reads these files, and so can any tool that reads COCO json.
    """
    priority = 'LOW'  # after the hooks that change the model for validation

    def __init__(self) -> None:
        self._metric: _Collect | None = None
        self._index: DumpIndex | None = None

    def before_val(self, runner: Runner) -> None:
        """Collect the detections of the validation."""
        self._attach(runner, runner.val_loop)

    def before_test(self, runner: Runner) -> None:
        """Collect the detections of the test."""
        self._attach(runner, runner.test_loop)

    def _attach(self, runner: Runner, loop: Any) -> None:
        folder = Path(runner.work_dir) / FOLDER
        dataset = loop.dataloader.dataset
        # The detections are gathered as a metric, since the evaluator collects from all ranks.
        if self._metric is None:
            masks = isinstance(dataset, CocoDataset) and any(
                isinstance(one, CocoMetric) and MASKS in one.metrics
                for one in loop.evaluator.metrics)
            self._metric = _Collect(folder, _truth_of(dataset, masks), masks)
            self._metric.dataset_meta = dataset.metainfo
        self._metric.name = _epoch_of(runner)
        if self._metric not in loop.evaluator.metrics:
            loop.evaluator.metrics.append(self._metric)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Record the detections of the validation with its metrics."""
        self._record(runner, metrics or {})

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Record the detections of the test with its metrics."""
        self._record(runner, metrics or {})

    @master_only
    def _record(self, runner: Runner, metrics: dict[str, float]) -> None:
        collected: Any = self._metric
        folder = Path(runner.work_dir) / FOLDER
        # Sorted keys give the same truth the same digest in every run.
        truth = json.dumps(collected.truth.content, sort_keys=True)
        sha256 = file_sha256(write_text(folder / TRUTH, truth))
        # Detections on another truth would be worthless beside this one.
        old = DumpIndex.read(folder)
        epochs = dict(old.epochs) if old and old.truth_sha256 == sha256 else {}
        epochs[collected.name] = Dump(
            collected.file_name(BOXES),
            {k: float(v) for k, v in metrics.items() if isinstance(v, (int, float))},
            collected.file_name(MASKS) if collected.masks else None)
        # The index is written before any file is removed, so it never names one that is gone.
        kept = _newest_and_best(epochs)
        DumpIndex(sha256, kept, _versions()).write(folder)
        named = {name for dump in kept.values() for name in dump.files}
        for kind in (BOXES, MASKS):
            for file in folder.glob(f'*.{kind}.json'):
                if file.name not in named:
                    file.unlink()


class _Truth:
    """The ground truth of a set as COCO json, with the ids of each image.

    Args:
        ids_of_image: the ids of the images that show a picture, by its path or by the id that the
            data set gives. There are several if the picture is listed several times.
    """

    def __init__(self, images: list[dict], annotations: list[dict], classes: Sequence[str],
                 category_ids: Sequence[int], ids_of_image: dict[Any, list[int]]):
        self.content = dict(
            images=images,
            annotations=annotations,
            categories=[dict(id=i, name=name) for i, name in zip(category_ids, classes)])
        self.category_ids = list(category_ids)
        self._ids_of_image = ids_of_image

    def image_ids(self, sample: dict) -> list[int]:
        # The path goes first: in concatenated data sets, two pictures may have the same id.
        for key in (sample.get('img_path'), sample['img_id']):
            if key in self._ids_of_image:
                return self._ids_of_image[key]
        raise KeyError(f'DetectionDump: image {sample["img_id"]} is not in the evaluation set')


def _truth_of(dataset: Any, masks: bool) -> _Truth:
    dataset.full_init()
    if isinstance(dataset, CocoDataset):
        return _truth_of_coco(dataset, masks)
    return _truth_of_instances(dataset)


def _truth_of_coco(dataset: CocoDataset, masks: bool) -> _Truth:
    # The truth is read from the file: the data set has dropped the areas, which AP S, M and L need.
    content = json.loads(Path(dataset.ann_file).read_text(encoding='utf-8'))
    name_of = {c['id']: c['name'] for c in content['categories']}
    category_ids = dataset.cat_ids  # by label
    classes = [name_of[number] for number in category_ids]
    images = [{k: i[k] for k in ('id', 'file_name', 'width', 'height') if k in i}
              for i in content['images']]
    fields = ['id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd']
    if masks:
        fields.append('segmentation')
    annotations = [{k: a[k] for k in fields if k in a} for a in content['annotations']
                   if a['category_id'] in set(category_ids)]
    number = number_ids(dict(images=images, annotations=annotations))
    return _Truth(images, annotations, classes, category_ids,
                  {had: [image_id] for had, image_id in number.items()})


def _truth_of_instances(dataset: Any) -> _Truth:
    images: list[dict] = []
    annotations: list[dict] = []
    ids_by_path: dict[Any, list[int]] = defaultdict(list)
    ids_by_name: dict[Any, list[int]] = defaultdict(list)
    for position in range(len(dataset)):
        info = dataset.get_data_info(position)
        image = dict(id=position + 1, file_name=Path(info['img_path']).name,
                     width=info['width'], height=info['height'])
        images.append(image)
        ids_by_path[info['img_path']].append(image['id'])
        ids_by_name[info['img_id']].append(image['id'])
        for instance in info['instances']:
            # MMDetection has two corners, and COCO has a corner with width and height. Ids of
            # annotations start at 1, since COCO's tools take 0 for no match.
            x1, y1, x2, y2 = instance['bbox']
            difficult = int(instance['ignore_flag'])
            annotations.append(dict(
                id=len(annotations) + 1, image_id=image['id'], iscrowd=difficult,
                category_id=instance['bbox_label'] + 1, bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1)))
    classes = dataset.metainfo['classes']
    return _Truth(images, annotations, classes, range(1, len(classes) + 1),
                  {**ids_by_name, **ids_by_path})


class _Collect(BaseMetric):
    """A metric in form only, which gathers the detections of all ranks and writes them."""

    def __init__(self, folder: Path, truth: _Truth, masks: bool):
        super().__init__(collect_device='cpu')
        self.folder, self.truth, self.masks, self.name = folder, truth, masks, ''

    def file_name(self, kind: str) -> str:
        return f'{"epoch_" if self.name.isdigit() else ""}{self.name}.{kind}.json'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            found = sample['pred_instances']
            categories = [self.truth.category_ids[label] for label in found['labels'].tolist()]
            by_kind = {BOXES: _boxes(found, categories)}
            if self.masks:
                by_kind[MASKS] = _masks(found, categories)
            self.results.append((self.truth.image_ids(sample), by_kind))

    def compute_metrics(self, results: list) -> dict:
        # A picture that is listed twice is evaluated twice, and each image of the truth gets its
        # detections once.
        by_image = {image_id: found for image_ids, found in results for image_id in image_ids}
        for kind in (BOXES, MASKS) if self.masks else (BOXES, ):
            detections = [dict(image_id=image_id, **one) for image_id, by_kind in by_image.items()
                          for one in by_kind[kind]]
            write_text(self.folder / self.file_name(kind), json.dumps(detections))
        return {}


def _boxes(found: dict, categories: list[int]) -> list[dict]:
    # The differences are taken in float64, so that rounding adds nothing to the boxes.
    xyxy = found['bboxes'].double()
    xywh = torch.cat((xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]), 1).tolist()
    return [dict(category_id=category, bbox=box, score=score)
            for category, box, score in zip(categories, xywh, found['scores'].tolist())]


def _masks(found: dict, categories: list[int]) -> list[dict]:
    # As in mmdet: some detectors have run lengths already, and some score their masks apart.
    masks = found['masks']
    if isinstance(masks, torch.Tensor):
        masks = encode_mask_results(masks.cpu().numpy())
    scores = found.get('mask_scores', found['scores']).tolist()
    return [dict(category_id=category, score=score,
                 segmentation=dict(size=list(mask['size']), counts=_text(mask['counts'])))
            for category, score, mask in zip(categories, scores, masks)]


def _text(counts: str | bytes) -> str:
    return counts.decode() if isinstance(counts, bytes) else counts


def _epoch_of(runner: Runner) -> str:
    """Return the epoch that is evaluated, or 'test' if the name of a tested checkpoint has none."""
    if runner.epoch:
        return str(runner.epoch)
    named = re.fullmatch(r'epoch_(\d+)', Path(runner._load_from or '').stem)
    return named[1] if named else 'test'


def _newest_and_best(epochs: dict[str, Dump]) -> dict[str, Dump]:
    # The first headline metric that any evaluation has decides which one is the best.
    score = next((s for s in HEADLINES if any(s in d.metrics for d in epochs.values())), None)
    newest = max(epochs, key=lambda name: (name.isdigit(), int(name) if name.isdigit() else 0))
    keep = {newest, 'test'}
    if score:
        keep.add(max(epochs, key=lambda name: epochs[name].metrics.get(score, float('-inf'))))
    return {name: dump for name, dump in epochs.items() if name in keep}


def _versions() -> dict[str, str]:
    found = dict(python=sys.version.split()[0])
    for name in DISTRIBUTIONS:
        # A package may be installed by another name (onedl-mmdetection), so the module goes first.
        module = sys.modules.get(name)
        try:
            found[name] = getattr(module, '__version__', None) or version(name)
        except PackageNotFoundError:
            continue
    from .. import __version__
    found['mmresizemix'] = __version__
    if torch.cuda.is_available():
        found.update(cuda=str(torch.version.cuda), gpu=torch.cuda.get_device_name())
    return found
