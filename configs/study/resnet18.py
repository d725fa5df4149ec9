"""ResNet-18 at 64 px on your pictures, without mixing.

    python tools/train.py configs/study/resnet18.py --work-dir DIR
"""
_base_ = ['../pretrain/resnet50_8xb64-300e_in1k.py', './_base_data.py']

size, epochs, classes = 64, 120, _base_.pictures['num_classes']

model = dict(
    backbone=dict(depth=18), head=dict(in_channels=512, num_classes=classes, topk=(1, )))
data_preprocessor = dict(num_classes=classes)

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[0].update(scale=size, crop_ratio_range=(0.25, 1.0))
test_pipeline[1].update(scale=size)
test_pipeline[2].update(crop_size=size)
my_pictures = dict(
    _delete_=True, type='CustomDataset', data_root=_base_.pictures['root'],
    extensions=_base_.picture_suffixes)
train_dataloader = dict(
    batch_size=128,
    dataset=dict(data_prefix='train', pipeline=train_pipeline, **my_pictures))
val_dataloader = dict(
    batch_size=128, dataset=dict(data_prefix='val', pipeline=test_pipeline, **my_pictures))
test_dataloader = val_dataloader
val_evaluator = dict(topk=(1, ))
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(lr=0.1, nesterov=True, weight_decay=5e-4))
train_cfg = dict(max_epochs=epochs, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=5, end=epochs, T_max=epochs - 5,
         convert_to_iter_based=True)
]
auto_scale_lr = dict(base_batch_size=128)
default_hooks = dict(logger=dict(interval=20))  # an epoch may have fewer steps than 100
