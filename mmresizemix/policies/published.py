"""The policies that are available by name, and the reasons why others are not."""
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import auto_augment
from PIL import Image
from torchvision.transforms import AutoAugment, AutoAugmentPolicy

FOLDER = Path(__file__).parent / 'searched'

NOT_PUBLISHED = dict(
    ohl_aa='OHL-AA learns its distribution of operations while the network trains; its authors '
    'published code (github.com/Awesome-AutoAug-Algorithms/AWS-OHL-AutoAug), but no policy',
    faster_aa='the authors of Faster AutoAugment published code that saves a policy as weights '
    '(github.com/moskomule/dda), but they published no such weights; the figure of the paper shows '
    'only some sub-policies (issue 16 there)',
)

GRAY = (128, 128, 128)


def _aa_imagenet() -> BaseTransform:
    # AutoAugment's own ``hparams`` do not reach its transforms, so that pad_val is merged in here.
    return auto_augment.AutoAugment([
        [auto_augment.merge_hparams(operation, dict(pad_val=GRAY)) for operation in sub_policy]
        for sub_policy in auto_augment.AUTOAUG_POLICIES['imagenet']])


class TorchvisionAutoAugment(BaseTransform):
    """Apply torchvision's AutoAugment to a BGR picture. It draws from torch's global generator,
    which is seeded together with numpy's."""

    def __init__(self, policy: AutoAugmentPolicy):
        self._augment = AutoAugment(policy)

    def transform(self, results: dict) -> dict:
        """Augment 'img', (H, W, 3) uint8, BGR."""
        rgb = Image.fromarray(np.ascontiguousarray(results['img'][..., ::-1]))
        results['img'] = np.ascontiguousarray(np.asarray(self._augment(rgb))[..., ::-1])
        return results


# AutoAugment's policies come from other libraries. mmpretrain has only the one for ImageNet.
UPSTREAM = dict(
    aa_imagenet=_aa_imagenet,
    aa_cifar10=lambda: TorchvisionAutoAugment(AutoAugmentPolicy.CIFAR10),
)


def published_names() -> list[str]:
    """Return the names of the policies that ``SearchedPolicy`` accepts, sorted."""
    return sorted([*UPSTREAM, *(path.stem for path in FOLDER.glob('*.json'))])


def check_name(name: str) -> None:
    """Check that there is a policy of this name.

    Raises:
        ValueError: there is none. The message says why, or which policies there are.
    """
    for method, reason in NOT_PUBLISHED.items():
        if name == method or name.startswith(f'{method}_'):
            raise ValueError(f'SearchedPolicy: {name} is not published: {reason}')
    if name not in published_names():
        raise ValueError(f'SearchedPolicy: name must be one of {", ".join(published_names())}, '
                         f'got {name!r}')
