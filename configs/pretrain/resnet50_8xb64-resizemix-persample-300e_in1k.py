"""ResNet-50 with our default ResizeMix: one τ per sample, and bilinear resizing.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-persample-300e_in1k.py 8

The paper does not have this variant. With one τ per batch, a step's mean source weight has a
standard deviation of 0.19. With one τ per sample, it has 0.01 at a batch size of 256.
"""
_base_ = './resnet50_8xb64-resizemix-300e_in1k.py'

model = dict(train_cfg=dict(augments=dict(per='sample', interpolation='bilinear')))
