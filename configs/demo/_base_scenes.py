"""The drawn scenes and the small detectors of the demo, by name, for its detection configs."""
# Random weights, too, start as resnet18_scenes.py does.
r18 = dict(depth=18, zero_init_residual=False)

# SSD300's topology (stem to layer3 at stride 8, then halving) at 96 px: maps of 12, 6, 3 and 2.
_ssd_channels = (256, 256, 128, 128)
ssd96_r18 = dict(
    backbone=r18,
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
    backbone=r18,
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64),
        bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=6)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=200, max_per_img=200), rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100)))

# Mask R-CNN: the same, and its masks.
mask_rcnn_r18 = dict(
    faster_rcnn_r18,
    roi_head=dict(
        faster_rcnn_r18['roi_head'],
        mask_roi_extractor=dict(out_channels=64),
        mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=6)))

# RetinaNet and ATSS, with fewer channels and layers.
dense_r18 = dict(
    backbone=r18,
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    bbox_head=dict(in_channels=64, feat_channels=64, stacked_convs=2, num_classes=6))

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

# Few pictures, small batches, so that there are steps enough; evaluated once, at the end.
scenes_train_cfg = dict(max_epochs=10, val_interval=10)
scenes_schedule = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=10, milestones=[7, 9], gamma=0.1),
]
scenes_optimizer = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
    clip_grad=dict(max_norm=10))

_classes = dict(classes=('circle', 'square', 'triangle', 'ring', 'cross', 'star'))
_root = '{{$MMRESIZEMIX_DEMO_DATA:data/demo}}'
_evaluate = dict(batch_size=8, num_workers=0, persistent_workers=False)

_coco = dict(data_root=f'{_root}/coco/', metainfo=_classes)
scenes_coco_train = dict(pipeline=scenes_train_pipeline, **_coco)
scenes_coco_val = dict(dataset=dict(pipeline=scenes_test_pipeline, **_coco), **_evaluate)
_load_masks = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
scenes_coco_train_masks = dict(
    scenes_coco_train,
    pipeline=[
        _load_masks if step['type'] == 'LoadAnnotations' else step for step in scenes_train_pipeline
    ])
scenes_coco_val_masks = dict(
    scenes_coco_val,
    dataset=dict(
        scenes_coco_val['dataset'],
        pipeline=[
            _load_masks if step['type'] == 'LoadAnnotations' else step
            for step in scenes_test_pipeline
        ]))
scenes_coco_metric = dict(ann_file=f'{_root}/coco/annotations/instances_val2017.json')

# VOCDataset would give VOC's own names to the classes, since the path contains VOC2007.
_voc = dict(type='XMLDataset', data_root=f'{_root}/VOCdevkit/', metainfo=_classes)
scenes_voc_train = [
    dict(
        ann_file=f'{year}/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root=f'{year}/'),
        pipeline=scenes_train_pipeline,
        **_voc) for year in ('VOC2007', 'VOC2012')
]
scenes_voc_val = dict(dataset=dict(pipeline=scenes_test_pipeline, **_voc), **_evaluate)
