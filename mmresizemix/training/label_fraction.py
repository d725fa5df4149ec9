"""A share of the labelled pictures of a training set."""
from typing import Any

import numpy as np
from mmengine.registry import DATASETS as MMENGINE_DATASETS

from ..registry import DATASETS
from .protocols import check_fraction


@DATASETS.register_module()
class LabelFraction:
    """A share of the pictures of a detection set, with their labels.

    The pictures are the first ones of a permutation that depends on ``subset_seed`` and on the
    number of pictures only. A smaller share is therefore inside each larger one of the same seed.
    They keep their order in the set.

    Args:
        dataset: a data set of MMDetection, or its config.
        fraction: the share, in (0, 1]. At least one picture is taken.
        subset_seed: the seed of the permutation. Comparisons take runs with different ones for
            replicas, as runs of different seeds.

    Raises:
        ValueError: ``fraction`` is not in (0, 1].
    """

    def __init__(self, dataset: Any, fraction: float, subset_seed: int):
        check_fraction(fraction)
        self.dataset = MMENGINE_DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.dataset.full_init()
        total = len(self.dataset)
        order = np.random.default_rng(subset_seed).permutation(total)
        self.positions = np.sort(order[:max(1, round(fraction * total))]).tolist()

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
