"""ResNet-50 with CutMix as published, one box per batch: 78.60 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-cutmix-300e_in1k.py 8

For one box per sample, add --cfg-options model.train_cfg.augments.per=sample
"""
_base_ = ['./resnet50_8xb64-300e_in1k.py', '../_base_/methods.py']

model = _base_.methods.cutmix
