"""What an operation's level means in numbers, and the mmpretrain transform that does it.

Each method has levels of its own; the published policies are in two kinds of them. Pictures are
(H, W, 3) uint8, BGR. All random numbers come from numpy's global generator, as in mmpretrain's own
transforms: EpochSeedHook and torch_worker_seeding seed it by (seed, rank, epoch, worker).
"""
from dataclasses import dataclass
from math import ceil

import mmcv
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms.auto_augment import (
    AutoContrast,
    BaseAugTransform,
    Brightness,
    ColorTransform,
    Contrast,
    Equalize,
    Invert,
    Posterize,
    Rotate,
    Sharpness,
    Shear,
    Solarize,
    Translate,
)

from ..registry import TRANSFORMS

WITHOUT_STRENGTH = dict(AutoContrast=AutoContrast, Equalize=Equalize, Invert=Invert)
ENHANCERS = dict(Color=ColorTransform, Contrast=Contrast, Brightness=Brightness,
                 Sharpness=Sharpness)
DIRECTIONS = dict(X='horizontal', Y='vertical')
BLACK = (0, 0, 0)
CIFAR_MEAN = (114, 123, 125)  # BGR; what every method's Cutout fills with, whatever the data set
_SIDE = 32  # of the pictures that PBA's pixels are pixels of


@dataclass(frozen=True)
class Levels:
    """How a method counts: a level from 0 to ``highest`` lies between two strengths.

    The strengths are: of a shear its slope, of a translation the part of the side, of a rotation
    degrees (these three with a random sign), of Solarize the threshold, of Posterize the bits kept,
    of Color, Contrast, Brightness and Sharpness Pillow's factor (1 changes nothing), of Cutout the
    part of the picture's width. AutoContrast, Equalize and Invert have none.
    """
    highest: float
    strengths: dict[str, tuple[float, float]]
    fill: tuple[int, int, int]  # BGR, of what comes in from outside the picture

    @property
    def names(self) -> list[str]:
        """All that have a strength, or need none."""
        return sorted([*self.strengths, *WITHOUT_STRENGTH])

    def strength(self, name: str, level: float) -> float:
        """What the operation is given at ``level``."""
        low, high = self.strengths[name]
        change = level / self.highest * (high - low)
        # both methods cut off the digits of what they add to, or take from, the bits
        return low + (int(change) if name == 'Posterize' else change)


_FACTOR = dict.fromkeys(ENHANCERS, (0.1, 1.9))
LEVELS = dict(
    # kakaobrain/fast-autoaugment, FastAutoAugment/augmentations.py; DADA's file has the same
    fast_aa=Levels(
        highest=1,
        strengths=dict(
            ShearX=(-0.3, 0.3), ShearY=(-0.3, 0.3), TranslateX=(-0.45, 0.45),
            TranslateY=(-0.45, 0.45), Rotate=(-30, 30), Solarize=(0, 256), Posterize=(4, 8),
            Cutout=(0, 0.2), **_FACTOR),
        fill=BLACK),
    # arcelien/pba, pba/augmentation_transforms.py. It moves by pixels of a CIFAR picture. What it
    # uncovers or cuts out is transparent there and set to the data set's mean at last; Invert and
    # the like, coming after, make it opaque black before. Here it is the mean at once.
    pba=Levels(
        highest=10,
        strengths=dict(
            ShearX=(0, 0.3), ShearY=(0, 0.3), TranslateX=(0, 10 / _SIDE),
            TranslateY=(0, 10 / _SIDE), Rotate=(0, 30), Solarize=(256, 0), Posterize=(4, 0),
            Cutout=(0, 20 / _SIDE), **_FACTOR),
        fill=CIFAR_MEAN))


def build_operation(name: str, level: float, prob: float, levels: Levels) -> BaseTransform:
    """The transform that carries out an operation at ``level``, with probability ``prob``.

    The authors' code moves pixels without interpolation, as this does; cv2 and Pillow may take a
    neighbouring pixel where it falls between two.
    """
    if name in WITHOUT_STRENGTH:
        return WITHOUT_STRENGTH[name](prob=prob)
    strength = levels.strength(name, level)
    if name in ENHANCERS:
        return ENHANCERS[name](strength - 1, prob=prob, random_negative_prob=0.)
    if name == 'Solarize':
        return Solarize(strength, prob=prob)
    if name == 'Posterize':
        return Posterize(strength, prob=prob)
    if name == 'Cutout':
        return RelativeCutout(strength, prob=prob)
    # the fill has three numbers: of a single one cv2 fills the blue channel only
    moving = dict(prob=prob, random_negative_prob=0.5, interpolation='nearest', pad_val=levels.fill)
    if name == 'Rotate':
        return Rotate(strength, **moving)
    kind = Shear if name.startswith('Shear') else Translate
    return kind(strength, direction=DIRECTIONS[name[-1]], **moving)


@TRANSFORMS.register_module()
class RelativeCutout(BaseAugTransform):
    """Cutout of a square whose side is a part of the picture's width; mmpretrain's counts pixels.

    The square's centre is uniform over the picture; it is rounded up to whole pixels and clipped at
    the right and the lower border (in PBA at all four).

    Args:
        part: of the width, 0 to 1; 0 changes nothing.
        pad_val: BGR. By default CIFAR's mean, with which the searches filled.
        prob: of being applied.
    """

    def __init__(self, part: float, pad_val: tuple[int, int, int] = CIFAR_MEAN, prob: float = 0.5):
        super().__init__(prob=prob, random_negative_prob=0.)
        self.part, self.pad_val = part, tuple(pad_val)

    def transform(self, results: dict) -> dict:
        """Grey out a square of 'img'."""
        if self.random_disable():
            return results
        side = ceil(self.part * results['img'].shape[1] - 1e-6)  # 6.000000000001 pixels are 6
        if side > 0:
            results['img'] = mmcv.cutout(results['img'], side, pad_val=self.pad_val)
        return results
