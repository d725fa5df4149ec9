"""WRN-28-10 on CIFAR-100 with PBA's schedule: 83.27 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-pba-200e_cifar100.py
"""
_base_ = './wrn28-10_1xb256-200e_cifar100.py'

# Its authors put it before the crop, and cut a square out, too.
train_pipeline = _base_.train_pipeline
train_pipeline.insert(
    0, dict(type='mmresizemix.SearchedPolicy', name='pba_cifar10', channel_order='rgb'))
train_pipeline.insert(-1, dict(
    type='Cutout', shape=8, pad_val=tuple(_base_.data_preprocessor.mean), prob=1.0))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
