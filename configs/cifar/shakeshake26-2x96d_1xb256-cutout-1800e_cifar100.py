"""Shake-Shake 26 2x96d on CIFAR-100 with Cutout, for the paper's Table 3.

    python tools/train.py configs/cifar/shakeshake26-2x96d_1xb256-cutout-1800e_cifar100.py
"""
_base_ = './wrn28-10_1xb256-cutout-200e_cifar100.py'

model, optim_wrapper, train_cfg, param_scheduler = _base_.shake_shake
