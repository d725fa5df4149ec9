"""WRN-28-10 on CIFAR-10 with Cutout: 96.90 % top-1 in the paper's Table 2.

    python tools/train.py configs/cifar/wrn28-10_1xb256-cutout-200e_cifar10.py
"""
_base_ = '../_base_/cifar10_methods.py'

train_pipeline, train_dataloader = _base_.methods.cutout
