"""WRN-28-10 on CIFAR-10 with ResizeMix+: RandAugment after mixing, and every picture twice: 98.10 %
top-1 in the paper's Table 2.

    python tools/train.py configs/cifar/wrn28-10_1xb256-resizemix-plus-200e_cifar10.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar10.py', '../_base_/methods.py']

model = _base_.methods.resizemix_then_randaugment
train_dataloader, auto_scale_lr = _base_.twice
