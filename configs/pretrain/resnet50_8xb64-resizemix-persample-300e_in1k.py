"""ResNet-50 with our default ResizeMix: a τ for each sample, bilinear. Not in the paper.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-persample-300e_in1k.py 8

With one τ per batch, a step's mean source weight has a standard deviation of 0.19; with one per sample,
0.01 at batch 256.
"""
_base_ = './resnet50_8xb64-resizemix-300e_in1k.py'

model = dict(train_cfg=dict(augments=dict(per='sample', interpolation='bilinear')))
