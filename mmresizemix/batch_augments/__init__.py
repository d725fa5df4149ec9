"""Batch augments that mix pictures and labels: what the patch is, where it goes and what the label
becomes."""
from .base import BatchAugment
from .cutmix import CutMix
from .fmix import FMix
from .generator import derive_seed
from .mix import Mix
from .mix_then_augment import MixThenAugment
from .mixup import Mixup
from .paste import paste
from .patchmix import PatchMix
from .puzzlemix import PuzzleMix
from .recursivemix import RecursiveMix
from .resizemix import ResizeMix
from .saliencymix import SaliencyMix

__all__ = ['BatchAugment', 'CutMix', 'FMix', 'Mix', 'MixThenAugment', 'Mixup',
           'PatchMix', 'PuzzleMix', 'RecursiveMix', 'ResizeMix', 'SaliencyMix', 'derive_seed',
           'paste']
