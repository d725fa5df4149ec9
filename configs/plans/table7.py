"""Table 7 of the paper: RandAugment before ResizeMix, or after.

    python tools/transfer.py configs/plans/table7.py
"""
_config = '../cifar/wrn28-10_1xb256-{}200e_cifar100.py'
pretrainings = [
    dict(name='baseline', config=_config.format('')),
    dict(name='ResizeMix', config=_config.format('resizemix-')),
    dict(name='RandAugment before ResizeMix', config=_config.format('randaugment-resizemix-')),
    dict(name='RandAugment after ResizeMix', config=_config.format('resizemix-randaugment-')),
]
seeds = [0, 1, 2]
gpus_per_run = 1
