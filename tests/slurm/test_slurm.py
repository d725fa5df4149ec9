"""Tests of plans on a real Slurm. If they are killed, preempted or warned in the middle, they end as on one machine."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cluster import one_machine_cluster
from small_plan import (
    RUN,
    assert_same_checkpoint,
    smoke_environment,
    start,
    transfer,
    wait_for_line,
    write_plan,
    write_smoke_plan,
)

from mmresizemix.plan.plan import slug
from mmresizemix.plan.run_stage import BEGIN
from mmresizemix.runs import read_metrics

SSD = 'finetune-ssd-on-coco-from-resizemix-0-seed-0'
FASTER = 'finetune-faster-r-cnn-on-voc-from-resizemix-0-seed-0'
LIMIT_SECONDS = 1200


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    with one_machine_cluster(tmp_path_factory.mktemp('slurm') / 'cluster') as environment:
        yield environment


def slurm(cluster, *command: str) -> str:
    return subprocess.run(command, env=cluster, check=True, capture_output=True, text=True).stdout


def wait_for_training(command, root: Path, stage: str, line: str = r'Epoch\(train\)') -> str:
    """Wait until the stage's training is in the middle, and return the id of its job."""
    wait_for_line(command, root / f'stages/{stage}.log', line)
    [job] = [job for name, job in jobs(root).items() if slug(name) == stage]
    return job


def end(command) -> str:
    out, _ = command.communicate(timeout=LIMIT_SECONDS)
    assert command.returncode == 0, out
    return out


def jobs(root: Path) -> dict[str, str]:
    return json.loads((root / 'slurm/jobs.json').read_text())


def start_soon(cluster, job: str) -> None:
    """Start a job that was queued again in three seconds. Slurm would let it wait for two minutes. It must not start in
    the second in which it was taken away, because its credential is revoked by the second, and it would be killed."""
    for _ in range(100):
        if 'BeginTime' in slurm(cluster, 'scontrol', 'show', 'job', job):
            slurm(cluster, 'scontrol', 'update', f'JobId={job}', 'StartTime=now+3')
            return
        time.sleep(0.5)
    pytest.fail(slurm(cluster, 'scontrol', 'show', 'job', job))


def attempts(root: Path, stage: str) -> int:
    return (root / f'stages/{stage}.log').read_text().count(BEGIN)


def assert_same_end(one: Path, two: Path, epoch: int) -> None:
    assert_same_checkpoint(*(folder / f'epoch_{epoch}.pth' for folder in (one, two)))
    assert read_metrics(one, epoch) == read_metrics(two, epoch)


@pytest.fixture(scope='module')
def smoke(cluster, tmp_path_factory, python):
    return {**smoke_environment(tmp_path_factory.mktemp('data'), python),
            'SLURM_CONF': cluster['SLURM_CONF']}


def test_the_smoke_plan_through_slurm(cluster, smoke, tmp_path):
    """A job is taken away in the middle, a training is killed, and the command is stopped and given again."""
    plan, root = write_smoke_plan(tmp_path), tmp_path / 'root'
    command = start(plan, root, smoke, '--executor', 'slurm')
    preempted = wait_for_training(command, root, SSD)
    slurm(cluster, 'scontrol', 'requeue', preempted)
    start_soon(cluster, preempted)

    refused = transfer(plan, root, smoke, '--executor', 'slurm')
    assert refused.returncode == 1 and 'in use by process ' in refused.stderr
    command.send_signal(signal.SIGINT)
    command.wait(60)
    queued = jobs(root)
    refused = transfer(plan, root, smoke)
    assert refused.returncode == 1 and 'in the queue of Slurm' in refused.stderr
    shown = transfer(plan, root, smoke, '--status')
    assert 'running' in shown.stdout and 'queued: job' in ' '.join(shown.stdout.split())

    command = start(plan, root, smoke, '--executor', 'slurm')
    wait_for_training(command, root, FASTER)
    assert set(jobs(root).items()) <= set(queued.items()), 'nothing is queued twice'
    training = slurm(cluster, 'pgrep', '--oldest', '-f', 'train.py.*faster-r-cnn-on-voc/resizemix-0')
    os.kill(int(training), signal.SIGKILL)
    out = end(command)
    assert (root / 'comparison/report.html').is_file(), out
    assert attempts(root, SSD) == 2 and attempts(root, FASTER) == 2

    done = transfer(plan, root, smoke, '--executor', 'slurm')
    assert done.returncode == 0 and 'queue' not in done.stdout, 'nothing is left to do'
    local = tmp_path / 'local'
    done = transfer(plan, local, smoke, '--only', 'test * from ResizeMix 0, seed 0')
    assert done.returncode == 0, done.stdout
    for run in sorted((local / 'finetune').glob('*/*')):
        assert_same_end(root / run.relative_to(local), run, 2)


def test_a_warned_training_goes_on_in_the_middle_of_its_epoch(cluster, tmp_path, python):
    """The signal is what Slurm sends before the time limit."""
    plan, environment = write_plan(tmp_path, python, 80, 'slurm = dict(cpus=1)', **{
        'default_hooks.logger.interval': 1})
    environment['SLURM_CONF'] = cluster['SLURM_CONF']
    root, stage = tmp_path / 'root', 'finetune-ssd-from-random-weights-seed-0'
    command = start(plan, root, environment, '--executor', 'slurm')
    job = wait_for_training(command, root, stage, r'Epoch\(train\)\s+\[2\]\[ 3/')
    slurm(cluster, 'scancel', '--signal=USR2', job)
    start_soon(cluster, job)
    assert (root / RUN / 'interrupted.pth').is_file()
    end(command)
    log = (root / f'stages/{stage}.log').read_text()
    assert 'batches again, to go on at epoch 2, iteration' in log and attempts(root, stage) == 2
    assert not (root / RUN / 'interrupted.pth').exists()
    done = transfer(plan, tmp_path / 'local', environment)
    assert done.returncode == 0, done.stdout
    assert_same_end(root / RUN, tmp_path / 'local' / RUN, 3)


def test_a_failure_stops_only_what_needs_it(cluster, tmp_path, python):
    plan, environment = write_plan(tmp_path, python, settings='slurm = dict(cpus=1)', **{
        'optim_wrapper.optimizer.lr': 1e30})
    environment['SLURM_CONF'] = cluster['SLURM_CONF']
    done = transfer(plan, tmp_path / 'root', environment, '--executor', 'slurm')
    assert done.returncode == 1, done.stdout
    assert 'finetune SSD from random weights, seed 0: FAILED, NaN: ' in done.stdout
    assert done.stdout.splitlines()[-1].startswith('Failed, or needs a stage that failed: finetune SSD')
