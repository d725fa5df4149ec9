"""ResNet-18 without mixing on the demo's drawn crops.

    python tools/train.py configs/demo/resnet18_scenes.py     # after: python tools/demo.py

It is made to be quick on two CPU cores.
"""
_base_ = '../pretrain/resnet50_8xb64-300e_in1k.py'

# Zero-initialised residuals, the default, need more epochs than a demo has.
model = dict(
    backbone=dict(depth=18, zero_init_residual=False),
    head=dict(num_classes=6, in_channels=512, topk=(1, )))
data_preprocessor = dict(num_classes=6)

size = 48
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='RandomResizedCrop',
        scale=size,
        crop_ratio_range=(0.6, 1.0),
        aspect_ratio_range=(1, 1)),  # the class is the shape
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
data_root = '{{$MMRESIZEMIX_DEMO_DATA:data/demo}}/classification'
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(_delete_=True, type='CustomDataset', data_root=data_root, data_prefix='train',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(_delete_=True, type='CustomDataset', data_root=data_root, data_prefix='val',
                 pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(topk=(1, ))
test_evaluator = val_evaluator

# AdamW: SGD needs more epochs than a demo has.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.02))
train_cfg = dict(max_epochs=6)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=20),
    dict(type='CosineAnnealingLR', T_max=6, convert_to_iter_based=True),
]
default_hooks = dict(logger=dict(interval=10))
