"""The meaning of an operation's level in numbers, and the mmpretrain transform that carries it out.

Each method has its own levels. The published policies use two kinds of them. Pictures are (H, W, 3)
uint8, BGR. All random numbers come from numpy's global generator, as in mmpretrain's own
transforms. EpochSeedHook and torch_worker_seeding seed it by (seed, rank, epoch, worker).
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
CIFAR_MEAN = (114, 123, 125)  # BGR; every method's Cutout fills with it, for all data sets
_SIDE = 32  # the side of the pictures that PBA counts pixels of


@dataclass(frozen=True)
class Levels:
    """The levels of a method. A level from 0 to ``highest`` is interpolated between two strengths.

    The strength of a shear is its slope, that of a translation the part of the side, and that of a
    rotation the angle in degrees (these three have a random sign). It is the threshold for
    Solarize, the number of bits kept for Posterize, Pillow's factor for Color, Contrast, Brightness
    and Sharpness (1 changes nothing), and the part of the picture's width for Cutout.
    AutoContrast, Equalize and Invert have no strength.
    """
    highest: float
    strengths: dict[str, tuple[float, float]]  # at level 0 and at the highest
    fill: tuple[int, int, int]  # BGR, the colour of what comes in from outside the picture

    @property
    def names(self) -> list[str]:
        """The names of the operations that have a strength or need none, sorted."""
        return sorted([*self.strengths, *WITHOUT_STRENGTH])

    def strength(self, name: str, level: float) -> float:
        """Return the strength of the operation at ``level``."""
        low, high = self.strengths[name]
        change = level / self.highest * (high - low)
        # Both methods truncate the number that they add to the bits or subtract from them.
        return low + (int(change) if name == 'Posterize' else change)


_FACTOR = dict.fromkeys(ENHANCERS, (0.1, 1.9))
LEVELS = dict(
    # From kakaobrain/fast-autoaugment, FastAutoAugment/augmentations.py. DADA's file has the same.
    fast_aa=Levels(
        highest=1,
        strengths=dict(
            ShearX=(-0.3, 0.3), ShearY=(-0.3, 0.3), TranslateX=(-0.45, 0.45),
            TranslateY=(-0.45, 0.45), Rotate=(-30, 30), Solarize=(0, 256), Posterize=(4, 8),
            Cutout=(0, 0.2), **_FACTOR),
        fill=BLACK),
    # From arcelien/pba, pba/augmentation_transforms.py. It moves by pixels of a CIFAR picture.
    # There, what is uncovered or cut out is transparent and is set to the data set's mean at the
    # end, unless a later operation such as Invert makes it opaque black first. Here it is the mean
    # at once.
    pba=Levels(
        highest=10,
        strengths=dict(
            ShearX=(0, 0.3), ShearY=(0, 0.3), TranslateX=(0, 10 / _SIDE),
            TranslateY=(0, 10 / _SIDE), Rotate=(0, 30), Solarize=(256, 0), Posterize=(4, 0),
            Cutout=(0, 20 / _SIDE), **_FACTOR),
        fill=CIFAR_MEAN))


def build_operation(name: str, level: float, prob: float, levels: Levels) -> BaseTransform:
    """Build the transform that applies an operation at ``level``, with probability ``prob``.

    The authors' code moves pixels without interpolation, and so does this. If a position falls
    between two pixels, cv2 and Pillow may choose different ones.
    """
    if name in WITHOUT_STRENGTH:
        return WITHOUT_STRENGTH[name](prob=prob)
    strength = levels.strength(name, level)
    # mmpretrain adds 1 to what it is given to get Pillow's factor.
    if name in ENHANCERS:
        return ENHANCERS[name](strength - 1, prob=prob, random_negative_prob=0.)
    if name == 'Solarize':
        return Solarize(strength, prob=prob)
    if name == 'Posterize':
        return Posterize(strength, prob=prob)
    if name == 'Cutout':
        return RelativeCutout(strength, prob=prob)
    # The fill has three numbers, since cv2 would fill only the blue channel with a single one.
    moving = dict(prob=prob, random_negative_prob=0.5, interpolation='nearest', pad_val=levels.fill)
    if name == 'Rotate':
        return Rotate(strength, **moving)
    kind = Shear if name.startswith('Shear') else Translate
    return kind(strength, direction=DIRECTIONS[name[-1]], **moving)


@TRANSFORMS.register_module()
class RelativeCutout(BaseAugTransform):
    """Cut out a square whose side is a part of the picture's width (mmpretrain's Cutout takes
    pixels).

    The square's centre is uniform over the picture. Its side is rounded up to whole pixels. It is
    clipped at the right and the lower border, and shifted inside at the left and the upper one (PBA
    clips at all four).

    Args:
        part: the part of the width, 0 to 1. 0 changes nothing.
        pad_val: the colour, BGR. Defaults to CIFAR's mean, with which the searches filled.
        prob: the probability of being applied.
    """

    def __init__(self, part: float, pad_val: tuple[int, int, int] = CIFAR_MEAN, prob: float = 0.5):
        super().__init__(prob=prob, random_negative_prob=0.)
        self.part, self.pad_val = part, tuple(pad_val)

    def transform(self, results: dict) -> dict:
        """Fill a square of 'img' with ``pad_val``."""
        if self.random_disable():
            return results
        # The small number keeps a rounding error from adding a pixel: 6.000000000001 pixels are 6.
        side = ceil(self.part * results['img'].shape[1] - 1e-6)
        if side > 0:
            results['img'] = mmcv.cutout(results['img'], side, pad_val=self.pad_val)
        return results
