"""Table 3 of the paper: CIFAR-100. OHL-AA and Faster AA published no policy.

    python tools/transfer.py configs/plans/table3.py
"""
_configs = {
    'WRN-28-10': {
        'baseline': '../cifar/wrn28-10_1xb256-200e_cifar100.py',
        'AutoAugment': '../cifar/wrn28-10_1xb256-autoaugment-200e_cifar100.py',
        'Fast AutoAugment': '../cifar/wrn28-10_1xb256-fast-autoaugment-200e_cifar100.py',
        'PBA': '../cifar/wrn28-10_1xb256-pba-200e_cifar100.py',
        'RandAugment': '../cifar/wrn28-10_1xb256-randaugment-200e_cifar100.py',
        'DADA': '../cifar/wrn28-10_1xb256-dada-200e_cifar100.py',
        'Cutout': '../cifar/wrn28-10_1xb256-cutout-200e_cifar100.py',
        'CutMix': '../cifar/wrn28-10_1xb256-cutmix-200e_cifar100.py',
        'FMix': '../cifar/wrn28-10_1xb256-fmix-200e_cifar100.py',
        'SaliencyMix': '../cifar/wrn28-10_1xb256-saliencymix-200e_cifar100.py',
        'ResizeMix': '../cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py',
        'ResizeMix+': '../cifar/wrn28-10_1xb256-resizemix-plus-200e_cifar100.py',
    },
    'Shake-Shake 26 2x96d': {
        'baseline': '../cifar/shakeshake26-2x96d_1xb256-1800e_cifar100.py',
        'AutoAugment': '../cifar/shakeshake26-2x96d_1xb256-autoaugment-1800e_cifar100.py',
        'Fast AutoAugment': '../cifar/shakeshake26-2x96d_1xb256-fast-autoaugment-1800e_cifar100.py',
        'PBA': '../cifar/shakeshake26-2x96d_1xb256-pba-1800e_cifar100.py',
        'RandAugment': '../cifar/shakeshake26-2x96d_1xb256-randaugment-1800e_cifar100.py',
        'DADA': '../cifar/shakeshake26-2x96d_1xb256-dada-1800e_cifar100.py',
        'Cutout': '../cifar/shakeshake26-2x96d_1xb256-cutout-1800e_cifar100.py',
        'CutMix': '../cifar/shakeshake26-2x96d_1xb256-cutmix-1800e_cifar100.py',
        'FMix': '../cifar/shakeshake26-2x96d_1xb256-fmix-1800e_cifar100.py',
        'SaliencyMix': '../cifar/shakeshake26-2x96d_1xb256-saliencymix-1800e_cifar100.py',
        'ResizeMix': '../cifar/shakeshake26-2x96d_1xb256-resizemix-1800e_cifar100.py',
        'ResizeMix+': '../cifar/shakeshake26-2x96d_1xb256-resizemix-plus-1800e_cifar100.py',
    },
}
pretrainings = [
    dict(name=name, column=column, config=config)
    for column, configs in _configs.items() for name, config in configs.items()
] + [
    dict(name='Puzzle Mix', column='WRN-28-10',
         config='../cifar/wrn28-10_1xb256-puzzlemix-200e_cifar100.py')
]
seeds = [0, 1, 2]
gpus_per_run = 1
