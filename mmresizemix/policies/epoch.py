"""A hook that tells the epoch to policies that are a schedule over epochs."""
from collections.abc import Iterator
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from ..registry import HOOKS


@HOOKS.register_module()
class PolicyEpochHook(Hook):
    """Tell the transforms of the training pipeline that have ``set_epoch(epoch, max_epochs)`` which
    epoch begins. A policy that is a schedule (``pba_cifar10``) needs this hook. Other policies are
    not affected.

    Raises:
        ValueError: the pipeline has such a transform, and the loop counts iterations or the
            loader's persistent workers would keep the first epoch's copy of it.
    """

    def before_train(self, runner: Runner) -> None:
        """Refuse loops and loaders in which a policy cannot follow the epochs."""
        if not any(following_epochs(runner.train_dataloader.dataset)):
            return
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError('PolicyEpochHook: expected an epoch-based training loop '
                             f'(train_cfg.by_epoch=True), got {type(runner.train_loop).__name__}')
        # Persistent workers keep the copy of the data set that they started with.
        if runner.train_dataloader.num_workers and runner.train_dataloader.persistent_workers:
            raise ValueError('PolicyEpochHook: persistent workers would keep the policy of the '
                             'first epoch; set train_dataloader.persistent_workers=False')

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the policies the epoch."""
        # The loader's workers start after this, with copies of the data set.
        for transform in following_epochs(runner.train_dataloader.dataset):
            transform.set_epoch(runner.epoch, runner.max_epochs)


def following_epochs(part: Any) -> Iterator[BaseTransform]:
    """Yield the transforms of a data set that have ``set_epoch``. It looks through the data set's
    wrappers, its pipeline and the transforms that hold others."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from following_epochs(one)
    elif isinstance(part, BaseTransform) and hasattr(part, 'set_epoch'):
        yield part
    else:
        for name in ('dataset', 'datasets', 'pipeline', 'transforms'):
            yield from following_epochs(getattr(part, name, ()))
