"""Row 7 of the paper's Table 1: a patch cut where the source is salient, pasted at random.

    python tools/train.py configs/saliency_study/wrn28-10_1xb256-cut-salient-to-random-200e_cifar100.py

The paper has 84.07 % top-1. It does not say which sides the patches have: here they have those
that ResizeMix draws.
"""
_base_ = ['../cifar/wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.cut_salient_to_random
