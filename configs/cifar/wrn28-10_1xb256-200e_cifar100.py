"""WRN-28-10 on CIFAR-100 without mixing: 81.20 % top-1 in the paper's Table 3.

    python tools/train.py configs/cifar/wrn28-10_1xb256-200e_cifar100.py
"""
_base_ = ['mmpretrain::_base_/datasets/cifar100_bs16.py', '../_base_/cifar.py']

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
train_dataloader = _base_.cifar_training
val_dataloader = _base_.cifar_test
test_dataloader = _base_.cifar_test
