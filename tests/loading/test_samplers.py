"""Tests of batch augmentation: copies are side by side, no sample is left out, and ranks share the samples evenly."""
import pytest
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS

from mmresizemix import BatchAugmentationSampler


@pytest.mark.parametrize('count', [10, 7])
def test_every_sample_as_often_and_side_by_side(count):
    sampler = BatchAugmentationSampler(range(count), times=3, seed=0)
    found = list(sampler)
    assert len(found) == len(sampler) == 3 * count
    assert found[::3] == found[1::3] == found[2::3] == list(DefaultSampler(range(count), seed=0))
    assert sorted(found[::3]) == list(range(count))


def test_epochs_differ():
    sampler = BatchAugmentationSampler(range(100), seed=0)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_ranks_share_the_samples_evenly(monkeypatch):
    found = []
    for rank in (0, 1):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        sampler = BatchAugmentationSampler(range(7), times=2, seed=0)
        found.append(list(sampler))
        assert len(sampler) == 8 and found[-1][::2] == found[-1][1::2]
    assert set(found[0]) | set(found[1]) == set(range(7))


def test_it_is_registered_and_wants_at_least_once():
    assert DATA_SAMPLERS.get('mmresizemix.BatchAugmentationSampler') is BatchAugmentationSampler
    with pytest.raises(ValueError, match='times: expected at least 1, got 0'):
        BatchAugmentationSampler(range(3), times=0)
