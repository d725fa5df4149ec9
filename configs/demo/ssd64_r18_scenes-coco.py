"""A still smaller SSD, at 64 px, on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/ssd64_r18_scenes-coco.py --backbone FILE

``make demo`` trains it. It has all four stages of the backbone, and feature maps of 8, 4, 2 and 1
pixels.
"""
_base_ = ['../ssd/ssd300_r50-c345_8xb8-24e_coco.py', './_base_scenes.py']

size, channels = 64, (128, 256, 512, 128)
model = dict(
    backbone=_base_.r18,
    neck=dict(
        in_channels=channels[:3], out_channels=channels, level_strides=(2, ),
        level_paddings=(1, )),
    bbox_head=dict(
        in_channels=channels,
        num_classes=6,
        anchor_generator=dict(
            _base_.ssd96_r18['bbox_head']['anchor_generator'],
            input_size=size,
            min_sizes=[10, 18, 26, 40],
            max_sizes=[18, 26, 40, 56],
            strides=[8, 16, 32, 64])))

train_pipeline, test_pipeline = _base_.scenes_train_pipeline, _base_.scenes_test_pipeline
train_pipeline[2].update(scale=(size, size))
test_pipeline[1].update(scale=(size, size))
my_train_set = dict(_base_.scenes_coco_train, pipeline=train_pipeline)
train_dataloader = dict(batch_size=8, num_workers=0, dataset=dict(times=1, dataset=my_train_set))
val_dataloader = _base_.scenes_coco_val
val_dataloader['dataset'].update(pipeline=test_pipeline)
test_dataloader = val_dataloader
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric

epochs = 3
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = _base_.scenes_schedule
param_scheduler[1].update(end=epochs, milestones=[2])
optim_wrapper = _base_.scenes_optimizer
optim_wrapper['optimizer'].update(lr=0.02, fused=True)
default_hooks = dict(logger=dict(interval=5), checkpoint=dict(interval=epochs))
