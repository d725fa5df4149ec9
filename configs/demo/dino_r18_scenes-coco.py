"""A small DINO on the drawn scenes in COCO layout.

    python tools/train.py configs/demo/dino_r18_scenes-coco.py --backbone FILE
"""
_base_ = ['../dino/dino-4scale_r50_8xb2-12e_coco.py', './_base_scenes.py']

_ffn = dict(feedforward_channels=128)
# MMDetection 3.3 has no DINO of fewer than 256 channels.
model = dict(
    num_queries=30,
    backbone=_base_.r18,
    neck=dict(in_channels=[128, 256, 512]),
    encoder=dict(num_layers=1, layer_cfg=dict(ffn_cfg=_ffn)),
    decoder=dict(num_layers=2, layer_cfg=dict(ffn_cfg=_ffn)),
    bbox_head=dict(num_classes=6),
    dn_cfg=dict(group_cfg=dict(num_dn_queries=10)),
    test_cfg=dict(max_per_img=100))
train_dataloader = dict(batch_size=4, num_workers=0, dataset=_base_.scenes_coco_train)
val_dataloader = _base_.scenes_coco_val
test_dataloader = _base_.scenes_coco_val
val_evaluator = _base_.scenes_coco_metric
test_evaluator = _base_.scenes_coco_metric
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=5))
