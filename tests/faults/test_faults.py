"""Tests of what may happen to a plan, and of what it then does. The plan is real and runs through the command."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_plan import ROOT, RUN, assert_same_checkpoint, transfer, write_plan

from mmresizemix.plan.stage_record import StageRecord
from mmresizemix.plan.status import Status
from mmresizemix.runs import read_metrics

TRAIN, TEST = 'finetune-ssd-from-random-weights-seed-0', 'test-ssd-from-random-weights-seed-0'


@pytest.fixture(scope='module')
def plan(tmp_path_factory, python):
    return write_plan(tmp_path_factory.mktemp('plan'), python)


@pytest.fixture(scope='module')
def finished(plan, tmp_path_factory):
    root = tmp_path_factory.mktemp('finished') / 'root'
    done = transfer(plan[0], root, plan[1])
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def root(finished, tmp_path):
    """A copy of the finished root, which a test may change."""
    copy = tmp_path / 'root'
    shutil.copytree(finished, copy)
    return copy


def reopen(root: Path, *slugs: str) -> None:
    """Write the records of these stages as a kill leaves them."""
    for slug in slugs:
        path = root / f'stages/{slug}.json'
        record = StageRecord.read(path)
        StageRecord(Status.STARTED, record.inputs, record.command).write(path)


def assert_same_run(root: Path, finished: Path) -> None:
    assert_same_checkpoint(*(r / RUN / 'epoch_3.pth' for r in (root, finished)))
    assert read_metrics(root / RUN, 3) == read_metrics(finished / RUN, 3)
    dumps = [json.loads((r / RUN / 'detections/epoch_3.bbox.json').read_text())
             for r in (root, finished)]
    assert dumps[0] == dumps[1]


def test_nothing_is_done_twice(plan, root):
    done = transfer(plan[0], root, plan[1])
    assert done.returncode == 0 and '4 of 4 stages were done before.' in done.stdout
    shown = transfer(plan[0], root, plan[1], '--dry-run')
    assert shown.stdout.strip() == '4 of 4 stages are done.'


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize('spoil', [flip, Path.unlink], ids=['flip', 'gone'])
def test_a_spoiled_newest_checkpoint_falls_back_to_the_one_before(plan, root, finished, spoil):
    """The run was killed after epoch 3 was written and before it was validated, and the file is damaged or gone."""
    run = root / RUN
    spoil(run / 'epoch_3.pth')
    (run / 'last_checkpoint').unlink()
    shutil.rmtree(run / 'detections')
    for log in run.glob('*/vis_data/scalars.json'):
        log.write_text(''.join(line for line in log.read_text().splitlines(True)
                               if '"step": 3}' not in line or 'bbox_mAP' not in line))
    reopen(root, TRAIN, TEST)
    done = transfer(plan[0], root, plan[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_run(root, finished)
    if spoil is not Path.unlink:
        assert 'Skipping a checkpoint that cannot be read' in (
            root / f'stages/{TRAIN}.log').read_text()


def test_killed_in_the_last_validation(plan, root, finished):
    """When it is resumed, training ends well without a metric. The test stage then makes the metric."""
    run = root / RUN
    shutil.rmtree(run / 'detections')
    for log in run.glob('*/vis_data/scalars.json'):
        lines = [line for line in log.read_text().splitlines(True) if 'bbox_mAP' not in line]
        log.write_text(''.join(lines) + '{"coco/bbox_mAP": 0.0')
    (root / 'comparison/report.html').unlink()
    reopen(root, TEST)
    done = transfer(plan[0], root, plan[1])
    assert_same_run(root, finished)
    assert done.returncode == 1 and 'scalars.json' in done.stdout, 'the comparison tells of it'


def test_a_changed_config_makes_its_dependents_stale_and_no_other(plan, root):
    changed = root.parent / 'changed.py'
    changed.write_text(plan[0].read_text().replace("'train_cfg.val_interval': 1",
                                                   "'optim_wrapper.optimizer.lr': 0.5"))
    shown = transfer(changed, root, plan[1], '--dry-run').stdout
    assert 'seed 0: stale, changed: ' in shown and 'optim_wrapper.optimizer.lr: 0.01 -> 0.5' in shown
    assert 'check data' not in shown, 'the data are the same'
    assert 'compare: waiting' in shown


def test_a_picture_that_is_gone_stops_what_needs_it(plan, root, tmp_path):
    scenes = tmp_path / 'scenes'
    shutil.copytree(plan[1]['MMRESIZEMIX_DEMO_DATA'], scenes)
    gone = sorted((scenes / 'coco/train2017').iterdir())[0]
    gone.unlink()
    done = transfer(plan[0], root, {**plan[1], 'MMRESIZEMIX_DEMO_DATA': str(scenes)})
    assert done.returncode == 1 and 'check data of SSD: FAILED' in done.stdout
    assert f'cannot be read (No such file or directory): {gone}' in done.stdout
    assert 'finetune SSD from random weights, seed 0' in done.stdout.splitlines()[-1]


def test_a_damaged_picture_is_named(plan, tmp_path):
    scenes = tmp_path / 'scenes'
    shutil.copytree(plan[1]['MMRESIZEMIX_DEMO_DATA'], scenes)
    bad = sorted((scenes / 'coco/train2017').iterdir())[0]
    bad.write_bytes(b'no picture')
    done = transfer(plan[0], tmp_path / 'root', {**plan[1], 'MMRESIZEMIX_DEMO_DATA': str(scenes)})
    assert done.returncode == 1 and bad.name in done.stdout, done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason='mounting takes root')
def test_a_full_disk_and_room_made(plan, finished, tmp_path):
    disk = tmp_path / 'disk'
    disk.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], check=True)
    try:
        done = transfer(plan[0], disk / 'root', plan[1])
        assert done.returncode == 1, done.stdout + done.stderr
        [line] = done.stderr.strip().splitlines()
        assert 'the disk is full: needs ' in line and ' free. Free some space' in line
        assert not list(disk.rglob('*.part'))
        subprocess.run(['mount', '-o', 'remount,size=500m', disk], check=True)
        done = transfer(plan[0], disk / 'root', plan[1])
        assert done.returncode == 0, done.stdout + done.stderr
        assert_same_run(disk / 'root', finished)
    finally:
        subprocess.run(['umount', '-l', disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason='mounting takes root')
def test_a_read_only_root(plan, tmp_path):
    disk = tmp_path / 'disk'
    disk.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk], check=True)
    try:
        done = transfer(plan[0], disk / 'root', plan[1])
        assert done.returncode == 1
        [line] = done.stderr.strip().splitlines()
        assert line.startswith('error: ') and 'Read-only file system' in line and str(disk) in line
    finally:
        subprocess.run(['umount', '-l', disk], check=True)


def test_two_commands_on_one_root(plan, tmp_path):
    first = subprocess.Popen([sys.executable, 'tools/transfer.py', str(plan[0]), '--root',
                              str(tmp_path / 'root')], cwd=ROOT, env=plan[1],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while not (tmp_path / 'root/lock').exists() and first.poll() is None:
            pass
        second = transfer(plan[0], tmp_path / 'root', plan[1])
        assert second.returncode == 1 and f'in use by process {first.pid} on ' in second.stderr
        shown = transfer(plan[0], tmp_path / 'root', plan[1], '--status')
        assert shown.returncode == 0 and 'finetune SSD' in shown.stdout
    finally:
        first.terminate()
        first.wait(60)
    assert first.returncode == 130
    record = StageRecord.read(tmp_path / f'root/stages/{TRAIN}.json')
    assert record is None or record.state in (Status.STARTED, Status.DONE)


@pytest.mark.parametrize('name', ['plan.yaml', 'plan.json'])
def test_a_plan_that_could_carry_code_is_refused(plan, tmp_path, name):
    """MMEngine's YAML loader would run that code."""
    (tmp_path / name).write_text(f'!!python/object/apply:os.mkdir ["{tmp_path / "ran"}"]\n')
    done = transfer(tmp_path / name, tmp_path / 'root', plan[1])
    assert done.returncode == 1 and 'expected a Python config' in done.stderr
    assert not (tmp_path / 'ran').exists()
