"""Random streams that depend on (seed, rank, epoch) and on nothing that was drawn before.

MMEngine gives all ranks the same seed, saves no random state, and gives its loader workers one
constant seed. Therefore all ranks mix alike, workers repeat their augmentations every epoch, and a
resumed run differs from an uninterrupted one. To save the states would not help, since validation
draws too.
"""
import logging
import random
import signal
from collections import Counter
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner

from ..batch_augments import derive_seed
from ..openmmlab.unwrap import unwrapped
from ..registry import FUNCTIONS, HOOKS

GRACE_SECONDS = 30  # for so long a loader's worker outlives a request to stop


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Restart every random stream of the training process from (seed, rank, epoch).

    These are Python's, numpy's and torch's global generators, and those of the batch augments.
    Together with this loader setting, a run that is resumed at an epoch equals the uninterrupted
    one exactly (with the same number of ranks, workers and threads)::

        train_dataloader = dict(
            persistent_workers=False,
            worker_init_fn=dict(type='mmresizemix.torch_worker_seeding'))

    Raises:
        ValueError: the training loop counts iterations, not epochs.
    """
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._seeded: list[Any] = []  # the augments that were seeded in this epoch

    def before_train(self, runner: Runner) -> None:
        """Refuse a loop without epochs, and warn about loaders that cannot be repeated."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError('EpochSeedHook: expected an epoch-based training loop '
                             f'(train_cfg.by_epoch=True), got {type(runner.train_loop).__name__}')
        # Workers that persist, or that MMEngine seeds, cannot be brought back to an epoch's start.
        loader = runner.train_dataloader
        if loader.num_workers and (loader.persistent_workers
                                   or not _leaves_seeding_to_torch(loader.worker_init_fn)):
            print_log(
                'EpochSeedHook: a resumed run will not draw the same augmentations. Set '
                'train_dataloader.persistent_workers=False and train_dataloader.worker_init_fn='
                "dict(type='mmresizemix.torch_worker_seeding').", 'current', logging.WARNING)

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process and its batch augments."""
        seed_everything(derive_seed(runner.seed, get_rank(), runner.epoch, 'process'))
        self._seeded.clear()
        self._seed_augments(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed batch augments that another hook has put into the model since."""
        self._seed_augments(runner)

    def _seed_augments(self, runner: Runner) -> None:
        before: Counter[str] = Counter()
        for augment in augments_of(runner.model):
            # MixThenAugment draws by the augment that it holds.
            drawing = getattr(augment, 'mix', augment)
            name = type(drawing).__name__
            drawing.place, before[name] = before[name], before[name] + 1
            if not any(augment is one for one in self._seeded):
                augment.set_epoch(runner.epoch, runner.seed)
                self._seeded.append(augment)


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _leaves_seeding_to_torch(worker_init_fn: Any) -> bool:
    # MMEngine wraps the function that the config names in a partial.
    return getattr(worker_init_fn, 'func', worker_init_fn) in (None, torch_worker_seeding)


def augments_of(model: Any) -> list:
    """Return the augments of an mmpretrain model that have their own generator."""
    chooser = getattr(getattr(unwrapped(model), 'data_preprocessor', None), 'batch_augments', None)
    return [a for a in getattr(chooser, 'augments', []) if hasattr(a, 'set_epoch')]


@FUNCTIONS.register_module()
def torch_worker_seeding(worker_id: int) -> None:
    """Leave a loader worker's seeds as torch has set them. This is a ``worker_init_fn``.

    In each epoch, torch gives every worker seeds for Python, numpy and torch that are drawn from
    the main process. MMEngine's default overwrites them with a constant. The worker also survives
    SIGTERM for :data:`GRACE_SECONDS`.
    """
    # A cluster sends SIGTERM to all processes at once. A worker that died first would end the main
    # process before it has saved its checkpoint (:mod:`.resuming`).
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE_SECONDS))
