"""Table 2 of the paper: CIFAR-10. OHL-AA and Faster AA published no policy.

    python tools/transfer.py configs/plans/table2.py
"""
_methods = {
    'baseline': '', 'AutoAugment': 'autoaugment-', 'Fast AutoAugment': 'fast-autoaugment-',
    'PBA': 'pba-', 'RandAugment': 'randaugment-', 'DADA': 'dada-', 'Cutout': 'cutout-',
    'CutMix': 'cutmix-', 'FMix': 'fmix-', 'SaliencyMix': 'saliencymix-', 'ResizeMix': 'resizemix-',
    'ResizeMix+': 'resizemix-plus-'
}
_networks = {
    'WRN-28-10': '../cifar/wrn28-10_1xb256-{}200e_cifar10.py',
    'Shake-Shake 26 2x96d': '../cifar/shakeshake26-2x96d_1xb256-{}1800e_cifar10.py'
}
pretrainings = [
    dict(name=name, column=column, config=config.format(method))
    for column, config in _networks.items() for name, method in _methods.items()
]
seeds = [0, 1, 2]
gpus_per_run = 1
