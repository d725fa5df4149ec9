"""ResNet-50 with RecursiveMix (arXiv 2203.06844), which is not in the ResizeMix paper.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-recursivemix-300e_in1k.py 8

The recipe is that of ResizeMix here, so that both can be compared. The mixing and its loss are as
the authors of RecursiveMix released them for ImageNet. Their own recipe has a learning rate of 0.2,
a weight decay of 1e-4, 5 epochs of warm-up and colour jitter.
"""
_base_ = './resnet50_8xb64-300e_in1k.py'

model = dict(
    neck=None,  # the head pools
    head=dict(
        type='mmresizemix.RecursiveMixHead', omega=0.5, share_fc=False, loss=dict(use_soft=True)),
    train_cfg=dict(augments=dict(
        type='mmresizemix.RecursiveMix', alpha=0.5, per='batch', placement='clipped',
        interpolation='nearest', inplace=True)))
