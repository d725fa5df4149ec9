"""WRN-28-10 on CIFAR-100 with RandAugment after ResizeMix: 84.59 % top-1 in the paper's Table 7.

    python tools/train.py configs/cifar/wrn28-10_1xb256-resizemix-randaugment-200e_cifar100.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.resizemix_then_randaugment
