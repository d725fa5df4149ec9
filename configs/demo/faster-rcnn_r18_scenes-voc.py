"""A small Faster R-CNN on the drawn scenes in VOC layout.

    python tools/train.py configs/demo/faster-rcnn_r18_scenes-voc.py --backbone FILE
"""
_base_ = ['../faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py', './_base_scenes.py']

model = _base_.faster_rcnn_r18
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    dataset=dict(times=1, dataset=dict(datasets=_base_.scenes_voc_train)))
val_dataloader = _base_.scenes_voc_val
test_dataloader = _base_.scenes_voc_val
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = _base_.scenes_optimizer
default_hooks = dict(logger=dict(interval=5))
