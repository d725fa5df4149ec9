"""Which policies there are to be had by name, and why others are not."""
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import auto_augment
from PIL import Image
from torchvision.transforms import AutoAugment, AutoAugmentPolicy

FOLDER = Path(__file__).parent / 'searched'

NOT_PUBLISHED = dict(
    ohl_aa='OHL-AA learns its distribution of operations while the network trains; its authors '
    'published code (github.com/Awesome-AutoAug-Algorithms/AWS-OHL-AutoAug), but no policy found',
    faster_aa='the authors of Faster AutoAugment published code that saves a policy as weights '
    '(github.com/moskomule/dda), but no such weights; the figure of the paper shows some '
    'sub-policies only (issue 16 there)',
)

GRAY = (128, 128, 128)


def _aa_imagenet() -> BaseTransform:
    # AutoAugment's own ``hparams`` do not reach its transforms, so pad_val is merged in here
    return auto_augment.AutoAugment([
        [auto_augment.merge_hparams(operation, dict(pad_val=GRAY)) for operation in sub_policy]
        for sub_policy in auto_augment.AUTOAUG_POLICIES['imagenet']])


class TorchvisionAutoAugment(BaseTransform):
    """torchvision's AutoAugment on a BGR picture. It draws from torch's global generator, which is
    seeded together with numpy's."""

    def __init__(self, policy: AutoAugmentPolicy):
        self._augment = AutoAugment(policy)

    def transform(self, results: dict) -> dict:
        """Of 'img', (H, W, 3) uint8, BGR."""
        rgb = Image.fromarray(np.ascontiguousarray(results['img'][..., ::-1]))
        results['img'] = np.ascontiguousarray(np.asarray(self._augment(rgb))[..., ::-1])
        return results


# AutoAugment's policies are kept by others: mmpretrain has the one for ImageNet only.
UPSTREAM = dict(
    aa_imagenet=_aa_imagenet,
    aa_cifar10=lambda: TorchvisionAutoAugment(AutoAugmentPolicy.CIFAR10),
)


def published_names() -> list[str]:
    """What ``SearchedPolicy`` and torchvision know, by name."""
    return sorted([*UPSTREAM, *(path.stem for path in FOLDER.glob('*.json'))])


def check_name(name: str) -> None:
    """
    Raises:
        ValueError: no policy of this name is here; says why, or which are.
    """
    for method, reason in NOT_PUBLISHED.items():
        if name == method or name.startswith(f'{method}_'):
            raise ValueError(f'SearchedPolicy: {name} is not published: {reason}')
    if name not in published_names():
        raise ValueError(f'SearchedPolicy: name must be one of {", ".join(published_names())}, '
                         f'got {name!r}')
