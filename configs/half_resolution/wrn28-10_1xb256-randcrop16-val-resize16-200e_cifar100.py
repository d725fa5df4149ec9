"""WRN-28-10 on CIFAR-100 at half the resolution, trained by a random crop of half the side, tested
by resizing: row 1 of the paper's Table 6, 35.84 % top-1 there.

    python tools/train.py configs/half_resolution/wrn28-10_1xb256-randcrop16-val-resize16-200e_cifar100.py

Halved after the usual augmentation, antialiased: the paper does not say.
"""
_base_ = '../cifar/wrn28-10_1xb256-200e_cifar100.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline.insert(-1, dict(type='RandomCrop', crop_size=16))
test_pipeline.insert(-1, dict(type='Resize', scale=16, backend='pillow'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
