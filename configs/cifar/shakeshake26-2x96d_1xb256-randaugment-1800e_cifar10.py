"""Shake-Shake 26 2x96d on CIFAR-10 with RandAugment, for the paper's Table 2.

    python tools/train.py configs/cifar/shakeshake26-2x96d_1xb256-randaugment-1800e_cifar10.py
"""
_base_ = './wrn28-10_1xb256-randaugment-200e_cifar10.py'

model, optim_wrapper, train_cfg, param_scheduler = _base_.shake_shake
