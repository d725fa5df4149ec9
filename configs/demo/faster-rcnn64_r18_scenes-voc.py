"""The small Faster R-CNN at 64 px, on the drawn scenes in VOC layout.

    python tools/train.py configs/demo/faster-rcnn64_r18_scenes-voc.py --backbone FILE

``make demo`` trains it.
"""
_base_ = './faster-rcnn_r18_scenes-voc.py'

size = 64
train_pipeline, test_pipeline = _base_.scenes_train_pipeline, _base_.scenes_test_pipeline
train_pipeline[2].update(scale=(size, size))
test_pipeline[1].update(scale=(size, size))
my_train_sets = [dict(one, pipeline=train_pipeline) for one in _base_.scenes_voc_train]
train_dataloader = dict(dataset=dict(dataset=dict(datasets=my_train_sets)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

epochs = 3
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = _base_.scenes_schedule
param_scheduler[0].update(end=15)
param_scheduler[1].update(end=epochs, milestones=[2])
optim_wrapper = dict(optimizer=dict(fused=True))
default_hooks = dict(checkpoint=dict(interval=epochs))
