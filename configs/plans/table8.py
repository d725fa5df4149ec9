"""Table 8 of the paper: ranges of the scale ratio.

    python tools/transfer.py configs/plans/table8.py

The range of ResizeMix is 0.1-0.8.
"""
_resizemix = '../cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py'
_range = 'model.train_cfg.augments.scale_range'
pretrainings = [
    dict(name='baseline', config='../cifar/wrn28-10_1xb256-200e_cifar100.py'),
    dict(name='ResizeMix 0.1-0.9', config=_resizemix, options={_range: (0.1, 0.9)}),
    dict(name='ResizeMix', config=_resizemix),
    dict(name='ResizeMix 0.1-0.7', config=_resizemix, options={_range: (0.1, 0.7)}),
    dict(name='ResizeMix 0.2-0.8', config=_resizemix, options={_range: (0.2, 0.8)}),
]
seeds = [0, 1, 2]
gpus_per_run = 1
