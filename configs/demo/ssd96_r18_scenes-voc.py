"""A small SSD on the drawn scenes in VOC layout.

    python tools/train.py configs/demo/ssd96_r18_scenes-voc.py --backbone FILE
"""
_base_ = ['../ssd/ssd300_r50_8xb8-24e_voc0712.py', './_base_scenes.py']

model = _base_.ssd96_r18
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
