"""Parts of a training set: a share of it, and the pictures that settings are chosen by."""
from typing import Any

import numpy as np
from mmengine.registry import DATASETS as MMENGINE_DATASETS

from ..registry import DATASETS
from .protocols import HELD_OUT_PART, TRAINED_PART, check_fraction


class SomePictures:
    """Some of the pictures of a detection set, with their labels, in the order of the set.

    The pictures are chosen by a permutation that depends on ``subset_seed`` and on the number of
    pictures only. A subclass says by :meth:`choose` which places of the permutation it takes.

    Args:
        dataset: a data set of MMDetection, or its config.
        fraction: the share that lies at the beginning of the permutation, in (0, 1]. It has at
            least one picture.
        subset_seed: the seed of the permutation.

    Raises:
        ValueError: ``fraction`` is not in (0, 1].
    """

    def __init__(self, dataset: Any, fraction: float, subset_seed: int):
        check_fraction(fraction)
        self.dataset = MMENGINE_DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.dataset.full_init()
        total = len(self.dataset)
        order = np.random.default_rng(subset_seed).permutation(total)
        count = max(1, round(fraction * total))
        self.positions = np.sort(self.choose(order, count)).tolist()

    def choose(self, order: np.ndarray, count: int) -> np.ndarray:
        """Return the positions that are taken, int [n].

        Args:
            order: the permutation of all positions, int [pictures].
            count: the number of pictures in the share.
        """
        raise NotImplementedError

    @property
    def metainfo(self) -> dict[str, Any]:
        """The classes and other facts of the whole set."""
        return self.dataset.metainfo

    @property
    def pipeline(self) -> Any:
        """The pipeline of the whole set, which hooks may exchange."""
        return self.dataset.pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Any) -> None:
        self.dataset.pipeline = pipeline

    def full_init(self) -> None:
        """Do nothing. The set is read when this object is made."""

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return what is known of a picture: its path, size and instances."""
        return self.dataset.get_data_info(self.positions[index])

    def get_cat_ids(self, index: int) -> list[int]:
        """Return the classes of the instances in a picture."""
        return self.dataset.get_cat_ids(self.positions[index])

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.positions[index]]

    def __len__(self) -> int:
        return len(self.positions)


@DATASETS.register_module()
class LabelFraction(SomePictures):
    """A share of the labelled pictures of a training set, as if there were no others.

    A smaller share is inside each larger one of the same seed.

    Args:
        dataset: a data set of MMDetection, or its config.
        fraction: the share, in (0, 1]. It has at least one picture.
        subset_seed: the seed that draws it. Comparisons take runs with different ones for replicas,
            as runs of different seeds.

    Raises:
        ValueError: ``fraction`` is not in (0, 1].
    """

    def choose(self, order: np.ndarray, count: int) -> np.ndarray:
        """Return the share."""
        return order[:count]


@DATASETS.register_module()
class TuningSplit(SomePictures):
    """One of the two parts of a training set: one to train on, and one to choose settings by.

    Args:
        dataset, subset_seed: see :class:`SomePictures`.
        fraction: the share that is held out, in (0, 1].
        part: 'held out' for the share, 'train' for the other pictures.

    Raises:
        ValueError: ``fraction`` is not in (0, 1], ``part`` is another one, or no picture is left
            in the part.
    """

    def __init__(self, dataset: Any, fraction: float, subset_seed: int, part: str):
        if part not in (TRAINED_PART, HELD_OUT_PART):
            raise ValueError(f'TuningSplit: part: expected {TRAINED_PART!r} or {HELD_OUT_PART!r}, '
                             f'got {part!r}')
        self.part = part
        super().__init__(dataset, fraction, subset_seed)
        if not self.positions:
            raise ValueError(f'TuningSplit: no picture is left to train on: {fraction} of '
                             f'{len(self.dataset)} pictures are held out')

    def choose(self, order: np.ndarray, count: int) -> np.ndarray:
        """Return the share, or the other pictures."""
        return order[:count] if self.part == HELD_OUT_PART else order[count:]
