"""WRN-28-10 on CIFAR-100 with Mixup, which the paper shows (Figure 5) and does not train.

    python tools/train.py configs/cifar/wrn28-10_1xb256-mixup-200e_cifar100.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.mixup
