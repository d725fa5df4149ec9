"""WRN-28-10 on CIFAR-100 with FMix: 82.03 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-fmix-200e_cifar100.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.fmix
