"""SSD300 on ResNet-50, in two variants.

The paper's SSD300 is not public, and MMDetection has none on ResNet-50, so these variants are our
choice. Both have feature maps of 38, 19, 10, 5, 3 and 1 pixels and 8732 anchors.

``frozen_stages`` and ``norm_eval`` are those of MMDetection's ResNet-50 detectors. Besides, the
training of BatchNorm per GPU fails on a last batch of one picture. ``std`` must be that of the
pretraining: SSD's base has [1, 1, 1], for a VGG from Caffe.
"""
_std = [58.395, 57.12, 57.375]

# c4: stem to layer3 at stride 8, NVIDIA's topology (DeepLearningExamples, PyTorch/Detection/SSD),
# from which the paper's COCO baseline of 25.1 is known.
_c4_channels = (1024, 512, 512, 256, 256, 256)
ssd300_r50_c4 = dict(
    data_preprocessor=dict(std=_std),
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 1),
        out_indices=(2, ),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
        style='pytorch',
        # Table 5's baseline (76.1 % top-1); --backbone FILE sets another
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(
        in_channels=_c4_channels[:1],
        out_channels=_c4_channels,
        level_strides=(2, 2, 2, 1, 1),
        level_paddings=(1, 1, 1, 0, 0),
        l2_norm_scale=None),
    bbox_head=dict(type='mmresizemix.SSDHead', in_channels=_c4_channels))

# c345: all four stages, no changed stride. Probes layer4's transfer, which c4 throws away.
_c345_channels = (512, 1024, 2048, 512, 256, 256)
ssd300_r50_c345 = dict(
    backbone=dict(
        num_stages=4, strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), out_indices=(1, 2, 3)),
    neck=dict(
        in_channels=_c345_channels[:3],
        out_channels=_c345_channels,
        level_strides=(2, 1, 1),
        level_paddings=(1, 0, 0)),
    bbox_head=dict(in_channels=_c345_channels))
