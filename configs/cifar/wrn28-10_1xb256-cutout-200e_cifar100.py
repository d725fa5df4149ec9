"""WRN-28-10 on CIFAR-100 with Cutout: 81.59 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-cutout-200e_cifar100.py
"""
_base_ = './wrn28-10_1xb256-200e_cifar100.py'

# The size that its authors chose for CIFAR-100.
train_pipeline = _base_.train_pipeline
train_pipeline.insert(-1, dict(
    type='Cutout', shape=8, pad_val=tuple(_base_.data_preprocessor.mean), prob=1.0))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
