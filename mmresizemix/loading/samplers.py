"""A sampler for batch augmentation (arXiv 1901.09335; ResizeMix, Sec. 5.3.2)."""
from collections.abc import Iterator, Sized

from mmengine.dataset import DefaultSampler

from ..registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class BatchAugmentationSampler(DefaultSampler):
    """Sample every picture ``times`` times in a row.

    The pipeline augments each copy separately. A batch that is ``times`` as large then holds as
    many different pictures as before, and an epoch has as many steps::

        train_dataloader = dict(
            batch_size=512,  # of 256 pictures
            sampler=dict(_delete_=True, type='mmresizemix.BatchAugmentationSampler', times=2))

    mmpretrain's ``RepeatAugSampler`` is different. It shows only a part of the data set in each
    epoch, and distributes the copies of a sample over processes.

    Args:
        dataset: the data set to sample from.
        times: the number of copies, at least 1. The loader's batch size should be a multiple of it.
        shuffle, seed, round_up: as for MMEngine's ``DefaultSampler``.

    Raises:
        ValueError: ``times`` is not an integer of at least 1.
    """

    def __init__(self, dataset: Sized, times: int = 2, shuffle: bool = True,
                 seed: int | None = None, round_up: bool = True):
        if not isinstance(times, int) or times < 1:
            raise ValueError(f'BatchAugmentationSampler: times: expected at least 1, got {times!r}')
        super().__init__(dataset, shuffle, seed, round_up)
        self.times = times

    def __iter__(self) -> Iterator[int]:
        for index in super().__iter__():
            yield from [index] * self.times

    def __len__(self) -> int:
        return self.times * super().__len__()
