"""What ``make demo`` runs: all of it, on drawn scenes, on a CPU.

    python tools/transfer.py configs/plans/demo.py      # after: make demo

One detector per format, three seeds per cell, and every pretraining three times: enough that a
difference can be decided. docs/demo.md has how its sizes were chosen.
"""
_seeds, _epochs = [0, 1, 2], 5
_pretrain = {
    'train_cfg.max_epochs': _epochs,
    'param_scheduler.1.T_max': _epochs,
    'train_cfg.val_interval': _epochs,  # evaluated and saved at the end only
    'default_hooks.checkpoint.interval': _epochs,
    'train_dataloader.batch_size': 32,
    'train_dataloader.dataset.pipeline.1.scale': 32,
    'optim_wrapper.optimizer.lr': 2e-3,
    'optim_wrapper.optimizer.fused': True,
}
pretrainings = [
    dict(name='baseline', config='../demo/resnet18_scenes.py', options=_pretrain, seeds=_seeds),
    dict(name='ResizeMix', config='../demo/resnet18-resizemix_scenes.py', options=_pretrain,
         seeds=_seeds),
    dict(name='random weights', random=True, seeds=_seeds),
]
detectors = [
    dict(name='SSD on COCO', config='../demo/ssd64_r18_scenes-coco.py'),
    dict(name='Faster R-CNN on VOC', config='../demo/faster-rcnn64_r18_scenes-voc.py'),
]
slurm = dict(cpus=1, minutes=60)
