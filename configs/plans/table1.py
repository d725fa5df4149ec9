"""Table 1 of the paper: is saliency necessary? What is cut from where, and pasted where.

    python tools/transfer.py configs/plans/table1.py

Rows 5 and 8 of the paper are one row here. Row 2 has the sizes of the others. CutMix as published
is in Table 3.
"""
pretrainings = [
    dict(name='baseline', config='../cifar/wrn28-10_1xb256-200e_cifar100.py'),
    dict(name='cut random → same place',
         config='../saliency_study/wrn28-10_1xb256-cut-random-to-same-200e_cifar100.py'),
    dict(name='cut random → non-salient',
         config='../saliency_study/wrn28-10_1xb256-cut-random-to-non-salient-200e_cifar100.py'),
    dict(name='cut random → salient',
         config='../saliency_study/wrn28-10_1xb256-cut-random-to-salient-200e_cifar100.py'),
    dict(name='cut random → random',
         config='../saliency_study/wrn28-10_1xb256-cut-random-to-random-200e_cifar100.py'),
    dict(name='cut non-salient → random',
         config='../saliency_study/wrn28-10_1xb256-cut-non-salient-to-random-200e_cifar100.py'),
    dict(name='cut salient → random',
         config='../saliency_study/wrn28-10_1xb256-cut-salient-to-random-200e_cifar100.py'),
    dict(name='ResizeMix', config='../cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py'),
]
seeds = [0, 1, 2]
gpus_per_run = 1
