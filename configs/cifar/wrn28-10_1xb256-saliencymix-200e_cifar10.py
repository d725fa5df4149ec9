"""WRN-28-10 on CIFAR-10 with SaliencyMix: 97.24 % top-1 in the paper's Table 2.

    python tools/train.py configs/cifar/wrn28-10_1xb256-saliencymix-200e_cifar10.py
"""
_base_ = ['./wrn28-10_1xb256-200e_cifar10.py', '../_base_/methods.py']

model = _base_.methods.saliencymix_cifar
