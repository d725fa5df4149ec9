"""Shake-Shake 26 2x96d on CIFAR-10 with DADA's policy, for the paper's Table 2.

    python tools/train.py configs/cifar/shakeshake26-2x96d_1xb256-dada-1800e_cifar10.py
"""
_base_ = './wrn28-10_1xb256-dada-200e_cifar10.py'

model, optim_wrapper, train_cfg, param_scheduler = _base_.shake_shake
