"""WRN-28-10 on CIFAR-100 with RandAugment: 83.30 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-randaugment-200e_cifar100.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

train_pipeline = _base_.train_pipeline
train_pipeline[-1:-1] = _base_.operations.randaugment_cifar
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
