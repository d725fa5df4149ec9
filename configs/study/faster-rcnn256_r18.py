"""A small Faster R-CNN at 256 px on your detection set, from a ResNet-18.

    python tools/train.py configs/study/faster-rcnn256_r18.py --backbone FILE --work-dir DIR

It has FPN and all else that MMDetection's has, with fewer channels and proposals.
"""
_base_ = ['../faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py', './_base_detection.py']

size, channels = 256, 64

model = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=channels),
    rpn_head=dict(
        in_channels=channels, feat_channels=channels, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels),
        bbox_head=dict(
            in_channels=channels,
            fc_out_channels=256,
            num_classes=len(_base_.objects['classes']))),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300), rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=200)))

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[2].update(scale=(size, size))  # the sides' ratio is kept
test_pipeline[1].update(scale=(size, size))
train_dataloader = dict(
    batch_size=8,
    dataset=dict(_delete_=True, pipeline=train_pipeline, **_base_.my_train_set))
val_dataloader = dict(
    batch_size=8, dataset=dict(_delete_=True, pipeline=test_pipeline, **_base_.my_test_set))
test_dataloader = val_dataloader
val_evaluator = _base_.my_evaluator
test_evaluator = val_evaluator
train_cfg = _base_.my_train_cfg
optim_wrapper = _base_.my_optimizer
param_scheduler = _base_.my_schedule
