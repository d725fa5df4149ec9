"""ResNet-50 on ImageNet at half the resolution, trained by a random crop of half the side, tested
by a centre crop: row 2 of the paper's Table 6, 58.58 % top-1.

    bash tools/dist_train.sh configs/half_resolution/resnet50_8xb64-randcrop112-val-centercrop112-300e_in1k.py 8

Pictures are halved after the usual augmentation, and resizing is antialiased. The paper does not
say how it halves them.
"""
_base_ = '../_base_/in1k_methods.py'

train_pipeline, train_dataloader = _base_.methods.half_by_crop
test_pipeline, test_dataloader = _base_.methods.tested_by_centre_crop
val_dataloader = test_dataloader
