"""WRN-28-10 on CIFAR-100 at half the resolution, trained by a random crop of half the side, tested
by resizing: row 1 of the paper's Table 6, 35.84 % top-1.

    python tools/train.py configs/half_resolution/wrn28-10_1xb256-randcrop16-val-resize16-200e_cifar100.py

Pictures are halved after the usual augmentation, and resizing is antialiased. The paper does not
say how it halves them.
"""
_base_ = '../_base_/cifar100_methods.py'

train_pipeline, train_dataloader = _base_.methods.half_by_crop
test_pipeline, test_dataloader = _base_.methods.tested_by_resizing
val_dataloader = test_dataloader
