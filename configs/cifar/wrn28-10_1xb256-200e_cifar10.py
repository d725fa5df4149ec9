"""WRN-28-10 on CIFAR-10 without mixing: 96.13 % top-1 in the paper's Table 2.

    python tools/train.py configs/cifar/wrn28-10_1xb256-200e_cifar10.py
"""
_base_ = ['mmpretrain::_base_/datasets/cifar10_bs16.py', '../_base_/cifar.py']

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
train_dataloader = _base_.cifar_training
val_dataloader = _base_.cifar_test
test_dataloader = _base_.cifar_test
