"""The hook that tells a schedule of policies which epoch it is."""
from collections.abc import Iterator
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from ..registry import HOOKS


@HOOKS.register_module()
class PolicyEpochHook(Hook):
    """Tell the transforms of the training pipeline that have ``set_epoch(epoch, max_epochs)`` which
    epoch begins. A policy that is a schedule (``pba_cifar10``) needs it; others do not mind.

    Raises:
        ValueError: such a transform is there, and the loop counts iterations, or the loader's
            workers would keep the first epoch's copy of it.
    """

    def before_train(self, runner: Runner) -> None:
        """Refuse a loop without epochs where a policy follows them."""
        if not any(following_epochs(runner.train_dataloader.dataset)):
            return
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError('PolicyEpochHook: expected an epoch-based training loop '
                             f'(train_cfg.by_epoch=True), got {type(runner.train_loop).__name__}')
        if runner.train_dataloader.num_workers and runner.train_dataloader.persistent_workers:
            raise ValueError('PolicyEpochHook: persistent workers would keep the policy of the '
                             'first epoch; set train_dataloader.persistent_workers=False')

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the policies."""
        # the loader's workers start after this, with copies of the data set
        for transform in following_epochs(runner.train_dataloader.dataset):
            transform.set_epoch(runner.epoch, runner.max_epochs)


def following_epochs(part: Any) -> Iterator[BaseTransform]:
    """The transforms with ``set_epoch`` of a data set, through its wrappers, its pipeline and the
    transforms that hold others."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from following_epochs(one)
    elif isinstance(part, BaseTransform) and hasattr(part, 'set_epoch'):
        yield part
    else:
        for name in ('dataset', 'datasets', 'pipeline', 'transforms'):
            yield from following_epochs(getattr(part, name, ()))
