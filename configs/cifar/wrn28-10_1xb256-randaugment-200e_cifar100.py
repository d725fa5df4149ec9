"""WRN-28-10 on CIFAR-100 with RandAugment: 83.30 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-randaugment-200e_cifar100.py
"""
_base_ = '../_base_/cifar100_methods.py'

train_pipeline, train_dataloader = _base_.methods.randaugment
