"""What ``make demo`` runs: all of it, on drawn scenes, on a CPU.

    python tools/transfer.py configs/plans/demo.py      # after: make demo

One detector per format, three seeds per cell, and every pretraining three times: enough that a
difference can be decided. docs/demo.md has how its sizes were chosen.
"""
_seeds = [0, 1, 2]
_pretrain = {'train_cfg.max_epochs': 6, 'param_scheduler.T_max': 6}
pretrainings = [
    dict(name='baseline', config='../demo/resnet18_scenes.py', options=_pretrain, seeds=_seeds),
    dict(name='ResizeMix', config='../demo/resnet18-resizemix_scenes.py', options=_pretrain,
         seeds=_seeds),
    dict(name='random weights', random=True, seeds=_seeds),
]
_detect = {'train_cfg.max_epochs': 10, 'train_cfg.val_interval': 5}
detectors = [
    dict(name='SSD on COCO', config='../demo/ssd96_r18_scenes-coco.py', options=_detect),
    dict(name='Faster R-CNN on VOC', config='../demo/faster-rcnn_r18_scenes-voc.py',
         options=_detect),
]
slurm = dict(cpus=1, minutes=60)
