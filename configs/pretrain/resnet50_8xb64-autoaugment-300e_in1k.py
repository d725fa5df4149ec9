"""ResNet-50 with AutoAugment's policy for ImageNet: 77.63 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-autoaugment-300e_in1k.py 8
"""
_base_ = '../_base_/in1k_methods.py'

train_pipeline, train_dataloader = _base_.methods.autoaugment
