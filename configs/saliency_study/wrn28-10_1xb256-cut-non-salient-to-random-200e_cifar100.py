"""Row 6 of the paper's Table 1: a patch cut where the source is not salient, pasted at random.

    python tools/train.py configs/saliency_study/wrn28-10_1xb256-cut-non-salient-to-random-200e_cifar100.py

The paper has 83.93 % top-1. It does not say which sides the patches have: here they have those
that ResizeMix draws.
"""
_base_ = ['../cifar/wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']

model = _base_.methods.cut_non_salient_to_random
