"""The study for a CPU: 32 px and 60 epochs of pretraining, detectors at 128 px.

    python tools/transfer.py configs/plans/study_cpu.py   # or: make study SCALE=cpu

In bfloat16, which is fast on a CPU with units for it (AMX); set _bfloat16 to {} where it has none.
"""
_base_ = './study.py'

_bfloat16 = {'optim_wrapper.type': 'mmresizemix.BFloat16OptimWrapper'}
_no_workers = {
    f'{part}_dataloader.{name}': value
    for part in ('train', 'val', 'test')
    for name, value in dict(num_workers=0, persistent_workers=False).items()
}
_side, _epochs = 32, 60
_pretrain = {
    'train_dataloader.dataset.pipeline.0.scale': _side,
    'val_dataloader.dataset.pipeline.1.scale': _side,
    'val_dataloader.dataset.pipeline.2.crop_size': _side,
    'test_dataloader.dataset.pipeline.1.scale': _side,
    'test_dataloader.dataset.pipeline.2.crop_size': _side,
    'train_cfg.max_epochs': _epochs,
    'param_scheduler.1.end': _epochs,
    'param_scheduler.1.T_max': _epochs - 5,
    **_bfloat16,
    **_no_workers,
}
pretrainings = [
    dict(one, options=_pretrain) if 'config' in one else one for one in _base_.pretrainings
]
detectors = [
    dict(name='SSD', config='../study/ssd128_r18.py', options={**_bfloat16, **_no_workers}),
    dict(name='Faster R-CNN', config='../study/faster-rcnn128_r18.py',
         options={**_bfloat16, **_no_workers}),
]
gpus_per_run = 0
