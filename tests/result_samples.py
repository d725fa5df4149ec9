"""Small evaluation sets, detections and run folders, which are drawn and written like real ones."""
import json
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_tools

from mmresizemix.files import file_sha256
from mmresizemix.metrics.detections import Truth
from mmresizemix.runs.detection_index import FOLDER, TRUTH, Dump, DumpIndex

CLASSES = ('cat', 'dog', 'bird')


def drawn_truth(images: int = 30, seed: int = 0, crowds: bool = True) -> Truth:
    """Draw objects of three classes and of all sizes, with some crowds. One image has no objects."""
    rng = np.random.default_rng(seed)
    annotations = []
    for image in range(1, images + 1):
        for _ in range(0 if image == 3 else rng.integers(1, 6)):
            w, h = np.exp(rng.uniform(2.3, 5.2, 2)).round(1)
            x, y = rng.uniform(0, 60, 2).round(1)
            annotations.append(dict(
                id=len(annotations) + 1, image_id=image, category_id=int(rng.integers(1, 4)),
                bbox=[x, y, w, h], area=w * h, iscrowd=int(crowds and rng.random() < 0.1)))
    return Truth(dict(
        images=[dict(id=i, width=320, height=320, file_name=f'{i}.jpg')
                for i in range(1, images + 1)],
        annotations=annotations,
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)]), 'drawn')


def drawn_detections(truth: Truth, seed: int = 1, found: float = 0.8, false: int = 3) -> list[dict]:
    """Draw detections: the objects with noise on their boxes, and false ones. No score occurs twice."""
    rng = np.random.default_rng(seed)
    boxes = []
    for a in truth.content['annotations']:
        if rng.random() < found:
            boxes.append(dict(image_id=a['image_id'], category_id=a['category_id'],
                              bbox=(np.array(a['bbox']) * rng.normal(1, 0.08, 4)).tolist(),
                              score=float(rng.beta(4, 2))))
    for image in truth.image_ids:
        for _ in range(false):
            boxes.append(dict(image_id=image, category_id=int(rng.integers(1, 4)),
                              bbox=rng.uniform(5, 120, 4).tolist(), score=float(rng.beta(2, 4))))
    return boxes


def with_masks(truth: Truth) -> Truth:
    """Return the set with a mask per object: the left three quarters of its box."""
    annotations = [dict(one, segmentation=[[x, y, x + .75 * w, y, x + .75 * w, y + h, x, y + h]], area=.75 * w * h)
                   for one in truth.content['annotations'] for x, y, w, h in (one['bbox'], )]
    return Truth(dict(truth.content, annotations=annotations), 'with masks')


def masks_of(detections: list[dict], found: float = 0.9, seed: int = 2) -> list[dict]:
    """Return the masks of detections: the left part of each box, of a share with ``found`` as its mean."""
    rng = np.random.default_rng(seed)
    masks = []
    for one in detections:
        x, y, w, h = one['bbox']
        w *= .75 * rng.normal(found, .05)
        polygon = np.clip([x, y, x + w, y, x + w, y + h, x, y + h], 0, 320).tolist()
        mask = mask_tools.merge(mask_tools.frPyObjects([polygon], 320, 320))
        masks.append({**{k: v for k, v in one.items() if k != 'bbox'},
                      'segmentation': dict(size=[320, 320], counts=mask['counts'].decode())})
    return masks


CONFIG = '''auto_scale_lr = dict(base_batch_size=16, enable=False)
custom_hooks = [dict(type='mmresizemix.BackboneGuard'), dict(type='NumClassCheckHook')]
default_scope = 'mmdet'
model = dict(
    backbone=dict(depth=50, frozen_stages=1, init_cfg=dict(checkpoint='{checkpoint}', type='Pretrained'), norm_eval=True, type='ResNet'),
    type='FasterRCNN')
optim_wrapper = dict(optimizer=dict(lr={lr}, type='SGD'))
randomness = dict(seed={seed})
train_cfg = dict(max_epochs={epochs}, type='EpochBasedTrainLoop', val_interval=1)
train_dataloader = dict(batch_size=2, dataset=dict(ann_file='train.json', data_root='data/small/'))
val_dataloader = dict(dataset=dict(ann_file='val.json', data_prefix=dict(img='val/'), data_root='data/small/', type='CocoDataset'))
val_evaluator = dict(ann_file='data/small/val.json', type='{metric}'{more})
'''
METRICS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')
LOGGED = ('bbox_mAP', 'bbox_mAP_50', 'bbox_mAP_75', 'bbox_mAP_s', 'bbox_mAP_m', 'bbox_mAP_l')


def write_run(folder: Path, *, method: str | None = 'resizemix', digest: str | None = None,
              seed: int = 0, ap: float = 0.3, epochs: int = 2, reached: int | None = None,
              truth: Truth | None = None, detections: list[dict] | None = None, lr: float = 0.02,
              start: str = '20260101_000000', loss: str = '1.0', metric='mmresizemix.CocoMetric',
              more: str = '', top1: float | None = 76.0, mask_ap: float | None = None,
              masks: list[dict] | None = None, settings: str | None = None) -> Path:
    """Write a run as MMEngine and our hooks leave it. If ``truth`` and ``detections`` are given, they are written with
    their AP. Otherwise, ``ap`` is only logged. ``masks`` are written with the AP
    that they have; without them, ``mask_ap`` is only logged. With ``method=None``, the run knows nothing
    of this package."""
    from mmresizemix.metrics.evaluation import evaluate
    logs = folder / start / 'vis_data'
    logs.mkdir(parents=True)
    (logs / 'config.py').write_text(CONFIG.format(
        checkpoint='x.pth' if method else 'torchvision://resnet50', seed=seed, epochs=epochs, lr=lr,
        metric=metric, more=more))
    (folder / 'frcnn.py').write_text('model = 1\n')
    values = dict.fromkeys(METRICS, ap)
    if detections is not None:
        overall = evaluate(truth, detections).overall
        values = {name: float(np.nan_to_num(overall[name][0], nan=-1)) for name in METRICS}
    of_masks = {} if mask_ap is None else dict.fromkeys(METRICS, mask_ap)
    if masks is not None:
        overall = evaluate(truth, masks, masks=True).overall
        of_masks = {name: float(np.nan_to_num(overall[name][0], nan=-1)) for name in METRICS}
    lines = []
    for epoch in range(1, (reached or epochs) + 1):
        lines.append(f'{{"lr": 0.02, "loss": {loss}, "time": 0.5, "memory": 2048, '
                     f'"epoch": {epoch}, "iter": {epoch}, "step": {epoch}}}')
        logged = {f'coco/{theirs}': values[ours] for ours, theirs in zip(METRICS, LOGGED)}
        logged.update({f'coco/{theirs}'.replace('bbox', 'segm'): of_masks[ours]
                       for ours, theirs in zip(METRICS, LOGGED) if of_masks})
        lines.append(json.dumps({**{name: value * epoch / (reached or epochs) for name, value in logged.items()},
                                 'step': epoch}))
    (logs / 'scalars.json').write_text('\n'.join(lines) + '\n')
    (folder / start / f'{start}.log').write_text(
        '2026/01/01 00:00:00 - mmengine - INFO - \n    Python: 3.11.7 (main)\n'
        f'    PyTorch: 2.15.0\n    GPU number: 1\n    seed: {seed}\n'
        '2026/01/01 02:00:00 - mmengine - INFO - done\n')
    if method:
        (folder / 'backbone.json').write_text(json.dumps(dict(
            method=method, digest=digest or f'digest of {method}', file=f'{method}.pth',
            from_scratch=False, stamp=dict(top1=top1, source='epoch_300.pth', settings=settings))))
    if detections is not None:
        kept = folder / FOLDER
        kept.mkdir()
        (kept / TRUTH).write_text(json.dumps(truth.content))
        (kept / f'epoch_{epochs}.bbox.json').write_text(json.dumps(detections))
        if masks is not None:
            (kept / f'epoch_{epochs}.segm.json').write_text(json.dumps(masks))
        DumpIndex(file_sha256(kept / TRUTH), {str(epochs): Dump(
            f'epoch_{epochs}.bbox.json', {}, None if masks is None else f'epoch_{epochs}.segm.json')}).write(kept)
    return folder
