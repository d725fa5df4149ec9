"""Row 2 of the paper's Table 1: a patch cut at random, pasted where it was (CutMix).

    python tools/train.py configs/saliency_study/wrn28-10_1xb256-cut-random-to-same-200e_cifar100.py

The paper has 83.40 % top-1. It does not say which sides the patches have: here they have those
that ResizeMix draws, not those of CutMix. CutMix as published is
configs/cifar/wrn28-10_1xb256-cutmix-200e_cifar100.py
"""
_base_ = ['../cifar/wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.cut_random_to_same
