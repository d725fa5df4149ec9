"""A small Mask R-CNN with a very small ConvNeXt on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/mask-rcnn_convnext_scenes-coco.py --backbone FILE
"""
_base_ = ['../convnext/mask-rcnn_convnext-t_fpn_8xb2-36e_coco.py', './_base_scenes.py']

channels = [16, 32, 64, 128]
model = dict(
    _base_.faster_rcnn_r18,
    backbone=dict(
        arch=dict(_delete_=True, depths=[1, 1, 1, 1], channels=channels), drop_path_rate=0.1))
model['neck'].update(in_channels=channels)
model['roi_head'].update(
    mask_roi_extractor=dict(out_channels=64),
    mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=6))
train_pipeline, test_pipeline = _base_.scenes_train_pipeline, _base_.scenes_test_pipeline
train_pipeline[1].update(with_mask=True)
test_pipeline[2].update(with_mask=True)
my_train_set = dict(_base_.scenes_coco_train, pipeline=train_pipeline)
my_val = _base_.scenes_coco_val
my_val['dataset'].update(pipeline=test_pipeline)
train_dataloader = dict(batch_size=4, num_workers=0, dataset=my_train_set)
val_dataloader = my_val
test_dataloader = my_val
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=5))
