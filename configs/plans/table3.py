"""Table 3 of the paper: CIFAR-100. OHL-AA and Faster AA published no policy.

    python tools/transfer.py configs/plans/table3.py
"""
_base_ = './table2.py'

pretrainings = [
    dict(row, config=row['config'].replace('cifar10.py', 'cifar100.py'))
    for row in _base_.pretrainings
] + [
    dict(name='Puzzle Mix', column='WRN-28-10',
         config='../cifar/wrn28-10_1xb256-puzzlemix-200e_cifar100.py')
]
