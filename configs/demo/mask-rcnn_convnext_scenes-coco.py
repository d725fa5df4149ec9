"""A small Mask R-CNN with a very small ConvNeXt on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/mask-rcnn_convnext_scenes-coco.py --backbone FILE
"""
_base_ = ['../convnext/mask-rcnn_convnext-t_fpn_8xb2-36e_coco.py', './_base_scenes.py']

channels = [16, 32, 64, 128]
model = dict(
    _base_.mask_rcnn_r18,
    backbone=dict(
        arch=dict(_delete_=True, depths=[1, 1, 1, 1], channels=channels), drop_path_rate=0.1))
model['neck'].update(in_channels=channels)
train_dataloader = dict(batch_size=4, num_workers=0, dataset=_base_.scenes_coco_train_masks)
val_dataloader = _base_.scenes_coco_val_masks
test_dataloader = _base_.scenes_coco_val_masks
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=5))
