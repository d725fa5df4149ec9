"""Table 4 of the paper: ImageNet. OHL-AA and Faster AA published no policy.

    python tools/transfer.py configs/plans/table4.py
"""
_configs = {
    'ResNet-50': {
        'baseline': '../pretrain/resnet50_8xb64-300e_in1k.py',
        'AutoAugment': '../pretrain/resnet50_8xb64-autoaugment-300e_in1k.py',
        'Fast AutoAugment': '../pretrain/resnet50_8xb64-fast-autoaugment-300e_in1k.py',
        'RandAugment': '../pretrain/resnet50_8xb64-randaugment-300e_in1k.py',
        'DADA': '../pretrain/resnet50_8xb64-dada-300e_in1k.py',
        'CutMix': '../pretrain/resnet50_8xb64-cutmix-300e_in1k.py',
        'SaliencyMix': '../pretrain/resnet50_8xb64-saliencymix-300e_in1k.py',
        'Puzzle Mix': '../pretrain/resnet50_8xb64-puzzlemix-300e_in1k.py',
        'ResizeMix': '../pretrain/resnet50_8xb64-resizemix-300e_in1k.py',
    },
    'ResNet-101': {
        'baseline': '../pretrain/resnet101_8xb64-300e_in1k.py',
        'CutMix': '../pretrain/resnet101_8xb64-cutmix-300e_in1k.py',
        'SaliencyMix': '../pretrain/resnet101_8xb64-saliencymix-300e_in1k.py',
        'ResizeMix': '../pretrain/resnet101_8xb64-resizemix-300e_in1k.py',
    },
}
pretrainings = [
    dict(name=name, column=column, config=config)
    for column, configs in _configs.items() for name, config in configs.items()
]
seeds = [0]
gpus_per_run = 8
