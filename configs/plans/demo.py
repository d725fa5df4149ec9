"""What ``make demo`` runs: all of it, on drawn scenes, on a CPU.

    python tools/transfer.py configs/plans/demo.py      # after: make demo

It has one detector per format, three seeds per cell, and three runs of every pretraining. That is
enough to decide about a difference. docs/demo.md says how the sizes were chosen.
"""
_seeds = [0, 1, 2]
# All are the number of epochs: a pretraining is evaluated and saved at its end only.
_epochs = ('train_cfg.max_epochs', 'param_scheduler.1.T_max', 'train_cfg.val_interval',
           'default_hooks.checkpoint.interval')
_pretrain = {
    **dict.fromkeys(_epochs, 5),
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
