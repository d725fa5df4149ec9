"""Table 7 of the paper: RandAugment before ResizeMix, or after.

    python tools/transfer.py configs/plans/table7.py
"""
pretrainings = [
    dict(name='baseline', config='../cifar/wrn28-10_1xb256-200e_cifar100.py'),
    dict(name='ResizeMix', config='../cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py'),
    dict(name='RandAugment before ResizeMix',
         config='../cifar/wrn28-10_1xb256-randaugment-resizemix-200e_cifar100.py'),
    dict(name='RandAugment after ResizeMix',
         config='../cifar/wrn28-10_1xb256-resizemix-randaugment-200e_cifar100.py'),
]
seeds = [0, 1, 2]
gpus_per_run = 1
