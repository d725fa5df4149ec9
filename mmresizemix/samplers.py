"""Batch augmentation (arXiv 1901.09335; ResizeMix, Sec. 5.3.2)."""
from collections.abc import Iterator, Sized

from mmengine.dataset import DefaultSampler

from .registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class BatchAugmentationSampler(DefaultSampler):
    """Every sample ``times`` times in a row: the pipeline augments each copy anew, and a batch that
    is ``times`` as large holds as many different samples as before, in as many steps an epoch::

        train_dataloader = dict(
            batch_size=512,  # of 256 pictures
            sampler=dict(_delete_=True, type='mmresizemix.BatchAugmentationSampler', times=2))

    mmpretrain's ``RepeatAugSampler`` is another thing: it shows a part of the data set each epoch,
    and spreads the copies of a sample over processes.

    Args:
        dataset: what is sampled from.
        times: at least 1; the loader's batch size should be a multiple of it.
        shuffle, seed, round_up: as of MMEngine's ``DefaultSampler``.

    Raises:
        ValueError: ``times`` is not as above.
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
