"""A small ATSS on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/atss_r18_scenes-coco.py --backbone FILE
"""
_base_ = ['../atss/atss_r50_fpn_8xb2-12e_coco.py', './_base_scenes.py']

model = _base_.dense_r18
train_dataloader = dict(batch_size=4, num_workers=0, dataset=_base_.scenes_coco_train)
val_dataloader = _base_.scenes_coco_val
test_dataloader = _base_.scenes_coco_val
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = _base_.scenes_optimizer
default_hooks = dict(logger=dict(interval=5))
