"""WRN-28-10 on CIFAR-100 with RandAugment before ResizeMix: 83.47 % top-1 in the paper's Table 7.

    python tools/train.py configs/cifar/wrn28-10_1xb256-randaugment-resizemix-200e_cifar100.py
"""
_base_ = './wrn28-10_1xb256-randaugment-200e_cifar100.py'

model = _base_.methods.resizemix
