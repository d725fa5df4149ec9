"""Tests of the random streams by (seed, rank, epoch): inside a real run, over ranks, and across a resume."""
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmresizemix.batch_augments import derive_seed

TESTS = Path(__file__).parents[1]


def test_derived_seeds_differ_and_repeat():
    seeds = {derive_seed(s, r, e, t) for s in range(5) for r in range(5) for e in range(5)
             for t in ('a', 'b')}
    assert len(seeds) == 250 and all(0 <= s < 2**63 for s in seeds)
    assert derive_seed(1, 2, 'a') == derive_seed(1, 2, 'a')


def tiny_run(work_dir, epochs, workers=2, resume=False):
    from small_run import config
    return Runner.from_cfg(config(str(work_dir), epochs, workers, resume))


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TESTS))


@pytest.mark.parametrize('workers', [0, 2])
def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path, workers):
    straight = tiny_run(tmp_path / 'straight', 4, workers)
    straight.train()
    tiny_run(tmp_path / 'broken', 2, workers).train()
    resumed = tiny_run(tmp_path / 'broken', 4, workers, resume=True)
    resumed.train()
    for name, tensor in straight.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_epochs_are_augmented_differently(tmp_path):
    runner = tiny_run(tmp_path, 2)
    runner.train()
    first, second = (sorted(seen.mean().item() for seen in epoch) for epoch in runner.model.epochs)
    assert first != second


def test_ranks_mix_and_augment_differently(tmp_path, python):
    """Two processes over gloo have the same run, seeds and model, but other mixes and other global streams."""
    from small_run import two_processes
    assert two_processes(python, tmp_path) == [0, 0]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1))
    assert not torch.equal(first['targets'], second['targets'])
    assert not torch.equal(first['next'], second['next'])
    assert torch.equal(first['weight'], second['weight']), 'the ranks train one model'
