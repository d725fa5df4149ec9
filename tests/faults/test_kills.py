"""Tests that the smoke plan under SIGKILL at random moments ends like the uninterrupted one, bit for bit. Half of the
plan is killed six times. With --full, all of it is killed twenty times."""
import random
import time
from pathlib import Path

import pytest
from small_plan import (
    assert_same_checkpoint,
    kill,
    processes,
    smoke_environment,
    start,
    write_smoke_plan,
)

LIMIT_SECONDS = 900


@pytest.fixture(scope='module')
def environment(tmp_path_factory, python):
    return smoke_environment(tmp_path_factory.mktemp('data'), python)


@pytest.fixture(scope='module')
def plan(full, tmp_path_factory):
    return write_smoke_plan(tmp_path_factory.mktemp('plan'), whole=full)


def finish(plan: Path, root: Path, environment) -> None:
    process = start(plan, root, environment)
    out, _ = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, out


@pytest.fixture(scope='module')
def uninterrupted(plan, environment, tmp_path_factory):
    """An uninterrupted run: (its root, the seconds that it took)."""
    root, began = tmp_path_factory.mktemp('uninterrupted'), time.monotonic()
    finish(plan, root, environment)
    return root, time.monotonic() - began


def assert_same_results(root: Path, reference: Path, pretrainings: int, detectors: int) -> None:
    """Check that weights, optimizers, schedules, detections and the table are the same."""
    detections = (pretrainings + 1) * detectors  # detectors also start from random weights
    checkpoints = sorted(p.relative_to(reference) for p in reference.rglob('epoch_2.pth'))
    assert len(checkpoints) == pretrainings + detections
    for name in checkpoints:
        assert_same_checkpoint(root / name, reference / name)
    texts = sorted(p.relative_to(reference) for pattern in ('**/epoch_2.bbox.json', '**/truth.json')
                   for p in reference.glob(pattern))
    assert len(texts) == 2 * detections
    for name in [*texts, 'comparison/table.md', 'comparison/table.tex']:
        ours, theirs = ((r / name).read_text().replace(str(r), '') for r in (root, reference))
        assert ours == theirs, name


def test_kills(plan, environment, uninterrupted, full, tmp_path):
    """Kill the command alone, a stage alone, or everything at once, as in a reboot. There are as many kills on a fast
    machine as on a slow one before all is done."""
    kills, spacing = (20, 1) if full else (6, 2)
    reference, seconds = uninterrupted
    rng, root = random.Random(0), tmp_path / 'killed'
    killed = dict(command=0, stage=0, everything=0)
    while sum(killed.values()) < kills:
        command = start(plan, root, environment)
        time.sleep(seconds * spacing * rng.uniform(0.02, 0.1))
        if command.poll() is not None:
            pytest.fail(f'the plan was over after {killed}: {command.stdout.read()}')
        what = rng.choice(list(killed))
        others = [pid for pid in processes(root) if pid != command.pid]
        if what == 'stage' and others:
            kill([rng.choice(others)])
            time.sleep(rng.uniform(0, 3))
        kill([command.pid] if what != 'everything' else [command.pid, *others])
        command.wait()
        killed[what] += 1
    finish(plan, root, environment)
    assert all(killed.values())
    assert not list(root.rglob('.*.part')), 'nothing half is left'
    assert_same_results(root, reference, *((2, 2) if full else (1, 1)))
