"""A small SSD on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/ssd96_r18_scenes-coco.py --backbone FILE
"""
_base_ = ['../ssd/ssd300_r50_8xb8-24e_coco.py', './_base_scenes.py']

model = _base_.ssd96_r18
train_dataloader = dict(
    batch_size=4, num_workers=0, dataset=dict(times=1, dataset=_base_.scenes_coco_train))
val_dataloader = _base_.scenes_coco_val
test_dataloader = _base_.scenes_coco_val
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = _base_.scenes_optimizer
default_hooks = dict(logger=dict(interval=5))
