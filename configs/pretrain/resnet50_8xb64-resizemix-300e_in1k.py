"""ResNet-50 with ResizeMix as the authors released it: 79.00 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py 8

It draws one τ per batch and one box per sample, and resizes by nearest neighbour. For another
range of τ (Table 8), add --cfg-options model.train_cfg.augments.scale_range=0.2,0.8
"""
_base_ = ['./resnet50_8xb64-300e_in1k.py', '../_base_/methods.py']

model = _base_.methods.resizemix
