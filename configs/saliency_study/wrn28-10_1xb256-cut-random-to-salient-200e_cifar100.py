"""Row 4 of the paper's Table 1: a patch cut at random, pasted where the target is salient.

    python tools/train.py configs/saliency_study/wrn28-10_1xb256-cut-random-to-salient-200e_cifar100.py

The paper has 83.97 % top-1. It does not say which sides the patches have: here they have those
that ResizeMix draws.
"""
_base_ = ['../cifar/wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.cut_random_to_salient
