"""What ``make demo`` runs: all of it, on drawn scenes, on a CPU.

    python tools/transfer.py configs/plans/demo.py      # after: make demo
"""
_pretrain = {'train_cfg.max_epochs': 6, 'param_scheduler.T_max': 6}
pretrainings = [
    dict(name='baseline', config='../demo/resnet18_scenes.py', options=_pretrain),
    dict(name='CutMix', config='../demo/resnet18-cutmix_scenes.py', options=_pretrain),
    dict(name='ResizeMix', config='../demo/resnet18-resizemix_scenes.py', options=_pretrain),
    dict(name='random weights', random=True, seeds=[0]),
]
_detect = {'train_cfg.max_epochs': 10, 'train_cfg.val_interval': 5}
detectors = [
    dict(name='SSD on COCO', config='../demo/ssd96_r18_scenes-coco.py', seeds=[0, 1],
         options=_detect),
    dict(name='Faster R-CNN on COCO', config='../demo/faster-rcnn_r18_scenes-coco.py',
         options=_detect),
    dict(name='SSD on VOC', config='../demo/ssd96_r18_scenes-voc.py', options=_detect),
    dict(name='Faster R-CNN on VOC', config='../demo/faster-rcnn_r18_scenes-voc.py',
         options=_detect),
]
slurm = dict(cpus=1, minutes=60)
