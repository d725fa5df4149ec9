"""Mask R-CNN with ConvNeXt-T and FPN on COCO. Not in the paper.

    bash tools/dist_train.sh configs/convnext/mask-rcnn_convnext-t_fpn_8xb2-36e_coco.py 8 \\
        --backbone FILE

MMDetection's own baseline has 46.2 AP of boxes and 41.7 AP of masks, from ImageNet-1k.
For one GPU, add --cfg-options train_dataloader.batch_size=16
"""
_base_ = [
    'mmdet::convnext/mask-rcnn_convnext-t-p4-w7_fpn_amp-ms-crop-3x_coco.py',
    '../_base_/transfer_names.py'
]

custom_imports = dict(imports=['mmpretrain.models', 'mmresizemix'])
train_dataloader = _base_.seeded_loading
val_evaluator = _base_.coco_metric
test_evaluator = _base_.coco_metric
custom_hooks = _base_.transfer_hooks
default_hooks = dict(checkpoint=_base_.whole_checkpoints)
