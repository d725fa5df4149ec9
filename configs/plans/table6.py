"""Table 6 of the paper: half the resolution, by cropping or by resizing. The baseline has it all.

    python tools/transfer.py configs/plans/table6.py
"""
_rows = {
    'crop, tested by resizing': 'randcrop{0}-val-resize{0}-',
    'crop, tested by a centre crop': 'randcrop{0}-val-centercrop{0}-',
    'resize, tested by resizing': 'resize{0}-val-resize{0}-'
}
_columns = {
    'CIFAR-10, WRN-28-10': ('cifar', 'wrn28-10_1xb256-{}200e_cifar10.py', 16),
    'CIFAR-100, WRN-28-10': ('cifar', 'wrn28-10_1xb256-{}200e_cifar100.py', 16),
    'ImageNet, ResNet-50': ('pretrain', 'resnet50_8xb64-{}300e_in1k.py', 112)
}
pretrainings = [
    dict(name='baseline', column=column, config=f'../{room}/' + config.format(''))
    for column, (room, config, side) in _columns.items()
] + [
    dict(name=name, column=column, config='../half_resolution/' + config.format(row.format(side)))
    for column, (room, config, side) in _columns.items() for name, row in _rows.items()
]
seeds = [0, 1, 2]
gpus_per_run = 8
