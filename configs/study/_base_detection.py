"""What both detectors of the study share, by name."""
_base_ = './_base_data.py'

_classes = dict(classes=_base_.objects['classes'])
my_train_set = dict(
    metainfo=_classes, filter_cfg=dict(filter_empty_gt=True), **_base_.objects['train'])
my_test_set = dict(metainfo=_classes, test_mode=True, **_base_.objects['test'])
my_evaluator = dict(_delete_=True, **_base_.objects['evaluator'])

epochs = 24
my_train_cfg = dict(max_epochs=epochs, val_interval=6)
my_schedule = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        T_max=epochs,
        end=epochs,
        convert_to_iter_based=True)
]
my_optimizer = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
    clip_grad=dict(max_norm=10))
