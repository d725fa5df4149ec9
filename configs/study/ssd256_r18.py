"""A small SSD at 256 px on your detection set, from a ResNet-18.

    python tools/train.py configs/study/ssd256_r18.py --backbone FILE --work-dir DIR

Of the two variants of our SSD300, it is the faster one, with all four stages and no changed stride.
It has feature maps of 32, 16, 8, 4 and 2 pixels.
"""
_base_ = ['../ssd/ssd300_r50-c345_8xb8-24e_voc0712.py', './_base_detection.py']

size, channels = 256, (128, 256, 512, 256, 128)
# Anchors' sides, as shares of the picture's: SSD's own from 0.2 to 0.9, and one for small objects.
shares = (0.1, 0.2, 0.375, 0.55, 0.725, 0.9)

model = dict(
    backbone=dict(depth=18),
    neck=dict(
        in_channels=channels[:3],
        out_channels=channels,
        level_strides=(2, 2),
        level_paddings=(1, 1)),
    bbox_head=dict(
        in_channels=channels,
        num_classes=len(_base_.objects['classes']),
        anchor_generator=dict(
            _delete_=True,
            type='SSDAnchorGenerator',
            scale_major=False,
            input_size=size,
            min_sizes=[round(size * share) for share in shares[:-1]],
            max_sizes=[round(size * share) for share in shares[1:]],
            strides=[8, 16, 32, 64, 128],
            ratios=[[2], [2, 3], [2, 3], [2, 3], [2]])))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='MinIoURandomCrop', min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3),
    dict(type='Resize', scale=(size, size), keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=(size, size))
train_dataloader = dict(
    batch_size=16,
    dataset=dict(_delete_=True, pipeline=train_pipeline, **_base_.my_train_set))
val_dataloader = dict(
    batch_size=16, dataset=dict(_delete_=True, pipeline=test_pipeline, **_base_.my_test_set))
test_dataloader = val_dataloader
val_evaluator = _base_.my_evaluator
test_evaluator = val_evaluator
train_cfg = _base_.my_train_cfg
optim_wrapper = _base_.my_optimizer
param_scheduler = _base_.my_schedule
