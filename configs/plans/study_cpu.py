"""The study for a CPU: 32 px and 60 epochs of pretraining, detectors at 96 px for a few epochs.

    python tools/transfer.py configs/plans/study_cpu.py   # or: make study SCALE=cpu
"""
_base_ = './study.py'

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
    'param_scheduler.1.T_max': _epochs - 5,  # after the warm-up of resnet18.py
    **_no_workers,
}
pretrainings = [
    dict(one, options=_pretrain) if 'config' in one else one for one in _base_.pretrainings
]
_detectors = {'SSD': ('../study/ssd96_r18.py', 8),
              'Faster R-CNN': ('../study/faster-rcnn96_r18.py', 6)}
detectors = [
    dict(
        name=name,
        config=config,
        options={
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': 2,
            'param_scheduler.1.end': epochs,
            'param_scheduler.1.T_max': epochs,
            **_no_workers
        }) for name, (config, epochs) in _detectors.items()
]
gpus_per_run, runs_per_gpu = 0, 1
