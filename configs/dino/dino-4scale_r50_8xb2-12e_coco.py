"""DINO with ResNet-50 on COCO. Not in the paper.

    bash tools/dist_train.sh configs/dino/dino-4scale_r50_8xb2-12e_coco.py 8 --backbone FILE

MMDetection's own baseline has 49.0 AP.
For one GPU, add --cfg-options train_dataloader.batch_size=16
"""
_base_ = ['mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py', '../_base_/transfer.py']

train_dataloader = _base_.seeded_loading
val_evaluator = _base_.coco_metric
test_evaluator = _base_.coco_metric
custom_hooks = _base_.transfer_hooks
default_hooks = dict(checkpoint=_base_.whole_checkpoints)
