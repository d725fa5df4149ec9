"""Tests of trainings that are stopped or killed in the middle of an epoch, on one process and on two, and of a loader's
worker that hangs."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_plan import (
    ROOT,
    RUN,
    assert_same_checkpoint,
    kill,
    processes,
    start,
    transfer,
    wait_for_line,
    write_plan,
)

from mmresizemix.plan.run_stage import BEGIN
from mmresizemix.runs import read_metrics

STAGE = 'finetune-ssd-from-random-weights-seed-0'
# For each number of processes: the pictures (4 per step and process; two processes agree to stop every ten steps), the
# settings of the plan, and the arguments. Without GPUs, two processes communicate over gloo.
PLACES = {1: (40, '', ()), 2: (160, 'gpus_per_run = 2', ('--gpus', '2'))}


@pytest.fixture(scope='module', params=[1, pytest.param(2, marks=pytest.mark.full)],
                ids=['one-process', 'two-processes'])
def run(request, tmp_path_factory, python):
    """A plan to interrupt: (plan, environment, arguments, the root of an uninterrupted run)."""
    pictures, settings, arguments = PLACES[request.param]
    folder = tmp_path_factory.mktemp('plan')
    plan, environment = write_plan(folder, python, pictures, settings, **{
        'default_hooks.logger.interval': 1, 'auto_scale_lr.base_batch_size': 8})
    done = transfer(plan, folder / 'straight', environment, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return plan, environment, arguments, folder / 'straight'


def start_and_wait(run, root: Path, line: str) -> subprocess.Popen:
    plan, environment, arguments, _ = run
    command = start(plan, root, environment, *arguments)
    wait_for_line(command, root / f'stages/{STAGE}.log', line)
    return command


def assert_same_end(run, root: Path) -> None:
    plan, environment, arguments, straight = run
    done = transfer(plan, root, environment, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_checkpoint(*(r / RUN / 'epoch_3.pth' for r in (root, straight)))
    assert read_metrics(root / RUN, 3) == read_metrics(straight / RUN, 3)
    assert {p.name for p in (root / RUN).glob('best_*')} == {
        p.name for p in (straight / RUN).glob('best_*')}


def test_stopped_in_the_middle_of_an_epoch(run, tmp_path):
    command = start_and_wait(run, tmp_path, r'Epoch\(train\)\s+\[2\]\[ 2/')
    command.send_signal(signal.SIGINT)
    out, _ = command.communicate(timeout=120)
    assert command.returncode == 130 and 'Stopping: saving checkpoints.' in out
    assert (tmp_path / RUN / 'interrupted.pth').is_file()
    assert_same_end(run, tmp_path)
    assert 'batches again, to go on at epoch 2' in (tmp_path / f'stages/{STAGE}.log').read_text()


def test_a_killed_training_is_tried_again_at_once(run, tmp_path):
    """The oldest process is killed. If there are two ranks, that is torchrun, and they do not outlive it."""
    command = start_and_wait(run, tmp_path, r'Epoch\(train\)\s+\[2\]\[ 2/')
    kill([min(set(processes(tmp_path)) - {command.pid})])  # the oldest one
    out, _ = command.communicate(timeout=300)
    assert command.returncode == 0, out
    assert (tmp_path / f'stages/{STAGE}.log').read_text().count(BEGIN) == 2
    assert_same_end(run, tmp_path)


def test_all_killed_at_once(run, tmp_path):
    command = start_and_wait(run, tmp_path, r'Epoch\(train\)\s+\[3\]\[ 2/')
    kill(processes(tmp_path))
    command.wait(60)
    assert_same_end(run, tmp_path)


ENDLESS_RANK = '''
import os, sys
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from small_run import config
from mmresizemix.training.launch import train

@HOOKS.register_module()
class TellPid(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        open(f'{sys.argv[1]}/{os.getpid()}.pid', 'w').close()

cfg = config(f'{sys.argv[1]}/run', epochs=10**6, launcher='pytorch')
cfg.custom_hooks.append(dict(type='TellPid'))
train(cfg)
'''


def test_ranks_do_not_outlive_a_killed_torchrun(tmp_path):
    script = tmp_path / 'rank.py'
    script.write_text(ENDLESS_RANK)
    torchrun = subprocess.Popen(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', script, tmp_path],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONPATH': str(ROOT / 'tests'), 'OMP_NUM_THREADS': '1'})
    try:
        until(lambda: len(list(tmp_path.glob('*.pid'))) == 2)
    finally:
        torchrun.kill()
        torchrun.wait()
    until(lambda: not any(Path('/proc', pid.stem).exists() for pid in tmp_path.glob('*.pid')))


def until(happens, seconds: float = 120) -> None:
    began = time.monotonic()
    while not happens():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)


def test_a_hung_loader_worker_is_noticed(tmp_path, python):
    plan, environment = write_plan(tmp_path, python)
    base = ROOT / 'configs/demo/ssd96_r18_scenes-coco.py'
    config = tmp_path / 'hanging_ssd.py'
    config.write_text(f'''
_base_ = {str(base)!r}
custom_imports = dict(imports=['hanging'], allow_failed_imports=False)
train_dataloader = dict(num_workers=1, timeout=5,
                        collate_fn=dict(type='hang_once', marker={str(tmp_path / "hung")!r}))
''')
    plan.write_text(plan.read_text().replace(repr(str(base)), repr(str(config))))
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(Path(__file__).parent), environment.get('PYTHONPATH', '')])
    done = transfer(plan, tmp_path / 'root', environment)
    assert done.returncode == 0, done.stdout + done.stderr
    log = (tmp_path / f'root/stages/{STAGE}.log').read_text()
    assert 'DataLoader timed out after 5 seconds' in log and log.count(BEGIN) == 2
