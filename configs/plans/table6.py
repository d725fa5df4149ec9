"""Table 6 of the paper: half the resolution, by cropping or by resizing.

    python tools/transfer.py configs/plans/table6.py

The baseline has the whole resolution.
"""
_whole = {
    'CIFAR-10, WRN-28-10': '../cifar/wrn28-10_1xb256-200e_cifar10.py',
    'CIFAR-100, WRN-28-10': '../cifar/wrn28-10_1xb256-200e_cifar100.py',
    'ImageNet, ResNet-50': '../pretrain/resnet50_8xb64-300e_in1k.py',
}
_halved = {
    'CIFAR-10, WRN-28-10': {
        'crop, tested by resizing':
            '../half_resolution/wrn28-10_1xb256-randcrop16-val-resize16-200e_cifar10.py',
        'crop, tested by a centre crop':
            '../half_resolution/wrn28-10_1xb256-randcrop16-val-centercrop16-200e_cifar10.py',
        'resize, tested by resizing':
            '../half_resolution/wrn28-10_1xb256-resize16-val-resize16-200e_cifar10.py',
    },
    'CIFAR-100, WRN-28-10': {
        'crop, tested by resizing':
            '../half_resolution/wrn28-10_1xb256-randcrop16-val-resize16-200e_cifar100.py',
        'crop, tested by a centre crop':
            '../half_resolution/wrn28-10_1xb256-randcrop16-val-centercrop16-200e_cifar100.py',
        'resize, tested by resizing':
            '../half_resolution/wrn28-10_1xb256-resize16-val-resize16-200e_cifar100.py',
    },
    'ImageNet, ResNet-50': {
        'crop, tested by resizing':
            '../half_resolution/resnet50_8xb64-randcrop112-val-resize112-300e_in1k.py',
        'crop, tested by a centre crop':
            '../half_resolution/resnet50_8xb64-randcrop112-val-centercrop112-300e_in1k.py',
        'resize, tested by resizing':
            '../half_resolution/resnet50_8xb64-resize112-val-resize112-300e_in1k.py',
    },
}
pretrainings = [
    dict(name='baseline', column=column, config=config) for column, config in _whole.items()
] + [
    dict(name=name, column=column, config=config)
    for column, configs in _halved.items() for name, config in configs.items()
]
seeds = [0, 1, 2]
gpus_per_run = 8
