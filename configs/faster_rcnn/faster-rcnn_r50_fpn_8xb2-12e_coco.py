"""Faster R-CNN with ResNet-50 and FPN on COCO: Table 5, "MS-COCO, Faster-RCNN".

    bash tools/dist_train.sh configs/faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py 8 \\
        --backbone FILE

The paper has 38.1 AP from the baseline, 38.2 from CutMix and 38.4 from ResizeMix. MMDetection's own
baseline is 37.4. A run takes about 13 to 22 A100-hours (an estimate, not measured).
For one GPU, add --cfg-options train_dataloader.batch_size=16
"""
_base_ = ['mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', '../_base_/transfer.py']

# Sec. 5.2: "the image scale is set as (1333, 800) for MS-COCO ... It takes 12 epochs in total";
# all else MMDetection's default.
train_dataloader = _base_.seeded_loading
val_evaluator = _base_.coco_metric
test_evaluator = _base_.coco_metric
custom_hooks = _base_.transfer_hooks
default_hooks = dict(checkpoint=_base_.whole_checkpoints)
