"""Mixing a batch: what the patch is, where it goes, what the label becomes."""
from .base import BatchAugment
from .cutmix import CutMix
from .generator import derive_seed
from .mix import Mix
from .paste import paste
from .resizemix import ResizeMix

__all__ = ['BatchAugment', 'CutMix', 'Mix', 'ResizeMix', 'derive_seed', 'paste']
