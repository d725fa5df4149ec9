"""The paper's networks for CIFAR (Sec. 5.1) that mmpretrain lacks."""
from .shake_shake import ShakeShake
from .wide_resnet import WideResNet

__all__ = ['ShakeShake', 'WideResNet']
