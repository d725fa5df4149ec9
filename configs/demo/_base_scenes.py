"""The drawn scenes and the small detectors of the demo, by name, for its four detection configs."""
scenes_classes = dict(classes=('circle', 'square', 'triangle', 'ring', 'cross', 'star'))
scenes_coco = '{{$MMRESIZEMIX_DEMO_DATA:data/demo}}/coco/'
scenes_coco_val = '{{$MMRESIZEMIX_DEMO_DATA:data/demo}}/coco/annotations/instances_val2017.json'
scenes_voc = '{{$MMRESIZEMIX_DEMO_DATA:data/demo}}/VOCdevkit/'

# SSD300's topology (stem to layer3 at stride 8, then halving) at 96 px: maps of 12, 6, 3 and 2.
_ssd_channels = (256, 256, 128, 128)
ssd96_r18 = dict(
    backbone=dict(depth=18),
    neck=dict(
        in_channels=_ssd_channels[:1],
        out_channels=_ssd_channels,
        level_strides=(2, 2, 2),
        level_paddings=(1, 1, 1)),
    bbox_head=dict(
        in_channels=_ssd_channels,
        num_classes=6,
        anchor_generator=dict(
            _delete_=True,
            type='SSDAnchorGenerator',
            scale_major=False,
            input_size=96,
            min_sizes=[9, 18, 32, 46],
            max_sizes=[18, 32, 46, 64],
            strides=[8, 16, 32, 48],
            ratios=[[2], [2, 3], [2, 3], [2]])))

# Faster R-CNN, FPN and all, with fewer channels and proposals.
faster_rcnn_r18 = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64),
        bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=6)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=200, max_per_img=200), rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100)))

scenes_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
scenes_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs',
         meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]

# 12 epochs of batches of 8, the rate cut at 2/3 and 11/12 of them.
scenes_train_cfg = dict(max_epochs=12, val_interval=12)
scenes_schedule = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8, 11], gamma=0.1),
]
scenes_optimizer = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
    clip_grad=dict(max_norm=10))
