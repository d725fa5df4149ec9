"""Table 5 of the paper, small enough to be finished.

    python tools/transfer.py configs/plans/study.py       # or: make study

It pretrains a ResNet-18 on a folder of pictures in four ways, three runs each, and fine-tunes SSD
and Faster R-CNN on one detection set, from these and from random weights. The paths of the data are
in configs/study/_base_data.py.
"""
_seeds = [0, 1, 2]
_on_gpu = {
    'optim_wrapper.type': 'mmresizemix.BFloat16OptimWrapper',
    'env_cfg.cudnn_benchmark': True
}
_configs = {
    'baseline': '../study/resnet18.py',
    'CutMix': '../study/resnet18-cutmix.py',
    'ResizeMix': '../study/resnet18-resizemix.py',
    'MMPretrain ResizeMix': '../study/resnet18-mmpretrain-resizemix.py',
}
pretrainings = [
    *(dict(name=name, config=config, options=_on_gpu, seeds=_seeds)
      for name, config in _configs.items()),
    dict(name='random weights', random=True, seeds=_seeds),
]
detectors = [
    dict(name='SSD', config='../study/ssd256_r18.py'),
    dict(name='Faster R-CNN', config='../study/faster-rcnn256_r18.py'),
]
gpus_per_run = 1
runs_per_gpu = 8  # at 64 px one leaves most of a GPU idle
