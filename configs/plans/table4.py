"""Table 4 of the paper: ImageNet. OHL-AA and Faster AA published no policy.

    python tools/transfer.py configs/plans/table4.py
"""
_methods = {
    'ResNet-50': {
        'baseline': '', 'AutoAugment': 'autoaugment-', 'Fast AutoAugment': 'fast-autoaugment-',
        'RandAugment': 'randaugment-', 'DADA': 'dada-', 'CutMix': 'cutmix-',
        'SaliencyMix': 'saliencymix-', 'Puzzle Mix': 'puzzlemix-', 'ResizeMix': 'resizemix-'
    },
    'ResNet-101': {
        'baseline': '', 'CutMix': 'cutmix-', 'SaliencyMix': 'saliencymix-', 'ResizeMix': 'resizemix-'
    },
}
pretrainings = [
    dict(name=name, column=network, config='../pretrain/{}_8xb64-{}300e_in1k.py'.format(
        network.lower().replace('-', ''), method))
    for network, methods in _methods.items() for name, method in methods.items()
]
seeds = [0]
gpus_per_run = 8
