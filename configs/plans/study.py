"""Table 5 of the paper, small enough to be finished: four pretrainings of a ResNet-18 on a folder of
pictures, three runs each, and random weights; SSD and Faster R-CNN on one detection set.

    python tools/transfer.py configs/plans/study.py       # or: make study

Where the data lie stands in configs/study/_base_data.py.
"""
_seeds = [0, 1, 2]
pretrainings = [
    dict(name='baseline', config='../study/resnet18.py', seeds=_seeds),
    dict(name='CutMix', config='../study/resnet18-cutmix.py', seeds=_seeds),
    dict(name='ResizeMix', config='../study/resnet18-resizemix.py', seeds=_seeds),
    dict(name='MMPretrain ResizeMix', config='../study/resnet18-mmpretrain-resizemix.py',
         seeds=_seeds),
    dict(name='random weights', random=True, seeds=_seeds),
]
detectors = [
    dict(name='SSD', config='../study/ssd256_r18.py'),
    dict(name='Faster R-CNN', config='../study/faster-rcnn256_r18.py'),
]
gpus_per_run = 1
