"""Table 1 of the paper: is saliency necessary? What is cut from where, and pasted where.

    python tools/transfer.py configs/plans/table1.py

Rows 5 and 8 are one. Row 2 has the sizes of the others; CutMix as published is in Table 3.
"""
_study = '../saliency_study/wrn28-10_1xb256-cut-{}-200e_cifar100.py'
pretrainings = [
    dict(name='baseline', config='../cifar/wrn28-10_1xb256-200e_cifar100.py'),
    dict(name='cut random → same place', config=_study.format('random-to-same')),
    dict(name='cut random → non-salient', config=_study.format('random-to-non-salient')),
    dict(name='cut random → salient', config=_study.format('random-to-salient')),
    dict(name='cut random → random', config=_study.format('random-to-random')),
    dict(name='cut non-salient → random', config=_study.format('non-salient-to-random')),
    dict(name='cut salient → random', config=_study.format('salient-to-random')),
    dict(name='ResizeMix', config='../cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py'),
]
seeds = [0, 1, 2]
gpus_per_run = 1
