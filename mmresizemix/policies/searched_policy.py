"""A transform that applies a searched policy in an mmpretrain pipeline."""
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform, RandomChoice

from ..registry import TRANSFORMS
from .operations import LEVELS, build_operation
from .policy_files import Policy, read_policy
from .published import FOLDER, UPSTREAM, check_name
from .schedule import PolicySchedule

CHANNEL_ORDERS = ('bgr', 'rgb')


@TRANSFORMS.register_module()
class SearchedPolicy(BaseTransform):
    """Augment a picture by a policy that was searched for.

    For each picture one sub-policy is chosen, all equally likely, and each of its operations is
    applied with its probability. PBA is a schedule over epochs and draws as described in
    :class:`PolicySchedule`.

    Use it in a pipeline on ImageNet or on CIFAR::

        dict(type='mmresizemix.SearchedPolicy', name='fast_aa_imagenet')
        dict(type='mmresizemix.SearchedPolicy', name='pba_cifar10', channel_order='rgb')

    Fast AutoAugment and PBA place it before the random crop, DADA after crop and flip. PBA needs
    ``custom_hooks = [dict(type='mmresizemix.PolicyEpochHook')]``. The file of each policy in
    ``mmresizemix/policies/searched`` names its origin.

    It changes ``img``, (H, W, 3) uint8.

    Args:
        name: aa_cifar10 (torchvision's; all of AutoAugment's CIFAR results use it),
            aa_imagenet (mmpretrain's), dada_cifar10, dada_cifar100, dada_imagenet,
            fast_aa_cifar10 (also for CIFAR-100), fast_aa_imagenet, or pba_cifar10 (also for
            CIFAR-100).
        policy: your own policy instead, a JSON file such as ``{"levels": "fast_aa", "sub_policies":
            [[["ShearX", 0.6, 0.9], ["Equalize", 0.8, 0]], [["Cutout", 0.5, 1]]]}``. An operation is
            [name, probability, level], and :data:`LEVELS` says what levels mean. Instead of
            sub-policies it can have ``"schedule": [{"epochs": 10, "operations": [...]}, ...]``.
        channel_order: the channel order of ``img``, either 'bgr', as pictures are loaded, or 'rgb',
            as mmpretrain's CIFAR data sets return them.

    Raises:
        ValueError: an argument is not as above, the policy was never published, or the file is not
            a policy (the message says where and why).
    """

    def __init__(self, name: str | None = None, *, policy: str | Path | None = None,
                 channel_order: str = 'bgr'):
        if (name is None) == (policy is None):
            raise ValueError('SearchedPolicy: expected either name or policy, got '
                             f'name={name!r}, policy={policy!r}')
        if channel_order not in CHANNEL_ORDERS:
            raise ValueError("SearchedPolicy: channel_order must be 'bgr' or 'rgb', got "
                             f'{channel_order!r}')
        self.name, self.channel_order = name or str(policy), channel_order
        self.transforms = _by_name(self.name) if policy is None else _build(read_policy(policy))

    def transform(self, results: dict) -> dict:
        """Augment 'img' by the policy."""
        # The operations work on BGR.
        if self.channel_order == 'rgb':
            results['img'] = _reversed(results['img'])
        results = self.transforms(results)
        if self.channel_order == 'rgb':
            results['img'] = _reversed(results['img'])
        return results

    def __repr__(self) -> str:
        return f'SearchedPolicy({self.name!r}, channel_order={self.channel_order!r})'


def _by_name(name: str) -> BaseTransform:
    check_name(name)
    return UPSTREAM[name]() if name in UPSTREAM else _build(read_policy(FOLDER / f'{name}.json'))


def _build(policy: Policy) -> BaseTransform:
    levels = LEVELS[policy.levels]
    if policy.schedule:
        return PolicySchedule(policy.schedule, levels)
    return RandomChoice([
        [build_operation(op.name, op.level, op.prob, levels) for op in sub_policy]
        for sub_policy in policy.sub_policies])


def _reversed(img: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(img[..., ::-1])
