"""Tests that a training that is stopped by a signal goes on in the middle of the epoch, bit for bit."""
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from small_classifier import small_classifier, write_crops

from mmresizemix.runs.logs import read_log
from mmresizemix.training.checkpoints import newest_checkpoint
from mmresizemix.training.launch import train
from mmresizemix.training.resuming import AGREE_EVERY, INTERRUPTED
from mmresizemix.training.seeding import torch_worker_seeding
from mmresizemix.transfer import load_checkpoint

HERE = Path(__file__).parent
TESTS = HERE.parent
EPOCHS, STEPS = 3, 6  # epochs of the small run, and steps per epoch


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TESTS))
    importlib.import_module('small_run')  # this registers what its configs name


def small_run(work_dir, workers=0, **settings) -> Runner:
    from small_run import config
    return Runner.from_cfg(config(str(work_dir), EPOCHS, workers, **settings))


def assert_same_end(one: Path, two: Path):
    a, b = (load_checkpoint(folder / f'epoch_{EPOCHS}.pth') for folder in (one, two))
    for name, tensor in a['state_dict'].items():
        assert torch.equal(tensor, b['state_dict'][name]), name
    for state, other in zip(a['optimizer']['state'].values(), b['optimizer']['state'].values()):
        assert torch.equal(state['momentum_buffer'], other['momentum_buffer'])


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp('straight')
    sys.path.insert(0, str(TESTS))
    runs = {}
    for workers in (0, 2):
        runs[workers] = folder / str(workers)
        small_run(runs[workers], workers).train()
    sys.path.remove(str(TESTS))
    return runs


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('at', [1, 8, 17])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, straight, workers, at):
    with pytest.raises(SystemExit) as stopped:
        small_run(tmp_path, workers, stop=dict(at=at)).train()
    assert stopped.value.code == 128 + signal.SIGTERM
    meta = load_checkpoint(tmp_path / INTERRUPTED)['meta']
    assert (meta['epoch'], meta['iter']) == (at // STEPS, at)
    small_run(tmp_path, workers, resume=True).train()
    assert_same_end(tmp_path, straight[workers])
    assert not (tmp_path / INTERRUPTED).exists(), 'the end of the epoch makes it useless'


def test_stopped_twice_in_one_epoch(tmp_path, straight):
    for at in (7, 9):
        with pytest.raises(SystemExit):
            small_run(tmp_path, 2, resume=at > 7, stop=dict(at=at)).train()
    small_run(tmp_path, 2, resume=True).train()
    assert_same_end(tmp_path, straight[2])


def test_a_signal_in_the_last_iteration_leaves_the_epochs_own_checkpoint(tmp_path, straight):
    with pytest.raises(SystemExit):
        small_run(tmp_path, stop=dict(at=STEPS)).train()
    assert not (tmp_path / INTERRUPTED).exists()
    assert newest_checkpoint(str(tmp_path)).name == 'epoch_1.pth'
    small_run(tmp_path, resume=True).train()
    assert_same_end(tmp_path, straight[0])


def test_ctrl_c_is_a_keyboard_interrupt_and_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        small_run(tmp_path, stop=dict(at=2, number=signal.SIGINT)).train()
    assert (tmp_path / INTERRUPTED).exists()
    assert signal.getsignal(signal.SIGINT) is before


def _handlers(_):
    return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


def test_forked_children_do_not_have_the_loops_handlers(tmp_path):
    """A pool with these handlers that ended its workers by SIGTERM was seen to wait for ever."""
    runner = small_run(tmp_path)
    with runner.train_loop._signals(), multiprocessing.get_context('fork').Pool(1) as pool:
        assert pool.map(_handlers, [0]) == [[signal.SIG_DFL, signal.SIG_IGN]]
        assert signal.getsignal(signal.SIGTERM) == runner.train_loop._on_signal


def _work(begun):
    torch_worker_seeding(0)
    begun.set()
    while True:
        time.sleep(0.05)


def test_a_loaders_worker_outlives_a_request_to_stop_for_a_while(monkeypatch):
    monkeypatch.setattr('mmresizemix.training.seeding.GRACE_SECONDS', 1)
    fork = multiprocessing.get_context('fork')
    begun = fork.Event()
    worker = fork.Process(target=_work, args=[begun])
    worker.start()
    begun.wait(30)
    worker.terminate()
    worker.join(0.3)
    assert worker.is_alive()
    worker.join(30)
    assert worker.exitcode == -signal.SIGALRM


@HOOKS.register_module(force=True)
class SignalInValidation(Hook):

    def after_val_iter(self, runner, *args, **kwargs):  # Python would wait for this child at its end
        multiprocessing.get_context('fork').Process(target=time.sleep, args=[60]).start()
        os.kill(os.getpid(), signal.SIGUSR2)


def test_a_validation_is_left_at_once(crops, tmp_path, python):
    code = f'''
import sys
from pathlib import Path
sys.path[:0] = [{str(HERE)!r}, {str(TESTS)!r}]
from test_resuming import train_classifier
train_classifier(Path({str(crops)!r}), {str(tmp_path)!r}, dict(type='SignalInValidation'))'''
    done = subprocess.run([python, '-c', code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 128 + signal.SIGUSR2, done.stderr


def test_a_damaged_interrupted_file_falls_back_to_the_epoch(tmp_path, straight, capsys):
    with pytest.raises(SystemExit):
        small_run(tmp_path, stop=dict(at=8)).train()
    os.truncate(tmp_path / INTERRUPTED, 1000)
    assert newest_checkpoint(str(tmp_path)).name == 'epoch_1.pth'
    assert f'{INTERRUPTED}: is cut off' in capsys.readouterr().out
    small_run(tmp_path, resume=True).train()
    assert_same_end(tmp_path, straight[0])


def test_an_older_interrupted_file_is_not_taken(tmp_path):
    with pytest.raises(SystemExit):
        small_run(tmp_path, stop=dict(at=8)).train()
    kept = (tmp_path / INTERRUPTED).read_bytes()
    small_run(tmp_path, resume=True).train()
    (tmp_path / INTERRUPTED).write_bytes(kept)
    assert newest_checkpoint(str(tmp_path)).name == f'epoch_{EPOCHS}.pth'


def test_another_batch_size_is_refused(tmp_path):
    with pytest.raises(SystemExit):
        small_run(tmp_path, stop=dict(at=8)).train()
    runner = small_run(tmp_path, resume=True)
    runner._train_dataloader['batch_size'] = 8
    with pytest.raises(ValueError, match=r'expected 1 processes and 6 steps per epoch, got 1 and 3.*'
                                         r'--resume epoch_1\.pth'):
        runner.train()


def test_gradients_are_never_left_half_accumulated(tmp_path):
    from small_run import config
    cfg = config(str(tmp_path), EPOCHS, stop=dict(at=1))
    cfg.optim_wrapper.accumulative_counts = 2
    with pytest.raises(SystemExit):
        Runner.from_cfg(cfg).train()
    assert load_checkpoint(tmp_path / INTERRUPTED)['meta']['iter'] == 2


def test_ranks_stop_together_and_go_on_with_their_own_state(tmp_path, python):
    """One of two ranks gets a signal. Both stop at the iteration at which they ask each other."""
    from small_run import two_processes
    straight, broken = tmp_path / 'straight', tmp_path / 'broken'
    assert two_processes(python, straight, '--epochs', '3') == [0, 0]
    assert two_processes(python, broken, '--epochs', '3', '--stop', '1', '8') == [128 + signal.SIGTERM] * 2
    meta = load_checkpoint(broken / INTERRUPTED)['meta']
    assert meta['iter'] == AGREE_EVERY and len(meta['interrupted']['ranks']) == 2
    assert two_processes(python, broken, '--epochs', '3', '--resume') == [0, 0]
    ends = [torch.load(run / f'rank{rank}.pth') for rank in (0, 1) for run in (broken, straight)]
    for end in ends[1:]:
        assert torch.equal(end['weight'], ends[0]['weight'])
        assert torch.equal(end['mean'], ends[0]['mean']), 'all validate what is saved'


@HOOKS.register_module(force=True)
class StopBefore(Hook):
    """A hook that ends the process where a kill might: before epoch 1 is validated, or before its best checkpoint is
    written."""
    priority = 'LOW'  # it runs after the metric is logged, and before MMEngine's CheckpointHook

    def __init__(self, point: str):
        self.point = point

    def before_val(self, runner):
        if self.point == 'validation':
            sys.exit(1)

    def after_val_epoch(self, runner, metrics=None):
        if self.point == 'best':
            sys.exit(1)


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    return write_crops(tmp_path_factory.mktemp('data'), 4)


def train_classifier(crops, work_dir, hook=None):
    cfg = small_classifier(crops, work_dir, 'resnet18_scenes',
                           **{'default_hooks.checkpoint.save_best': 'auto'})
    if hook:
        cfg.custom_hooks.append(hook)
    train(cfg, resume='auto')


@pytest.mark.parametrize('point', ['validation', 'best'])
def test_a_validation_that_was_cut_off_is_made_up_for(crops, tmp_path, point):
    train_classifier(crops, tmp_path / 'straight')
    with pytest.raises(SystemExit):
        train_classifier(crops, tmp_path / 'broken', dict(type='StopBefore', point=point))
    assert not list((tmp_path / 'broken').glob('best_*'))
    train_classifier(crops, tmp_path / 'broken')
    ours, theirs = (read_log(tmp_path / run).validations for run in ('broken', 'straight'))
    assert ours == theirs and set(ours) == {1, 2}
    best = [[p.name for p in (tmp_path / run).glob('best_*')] for run in ('broken', 'straight')]
    assert best[0] == best[1] and len(best[0]) == 1


def test_what_a_killed_run_was_writing_is_cleared_away(crops, tmp_path, python):
    """MMEngine writes epoch 1 again when it was the best. Only the run that trained it does this."""
    code = f'''
import os, signal, sys
from pathlib import Path
from mmresizemix import files
written = []
def die_at_the_second(path):
    written.append(path.name)
    if written.count('.epoch_1.pth.part') == 2:
        os.kill(os.getpid(), signal.SIGKILL)
files._sync = die_at_the_second
sys.path[:0] = [{str(HERE)!r}, {str(TESTS)!r}]
from test_resuming import train_classifier
train_classifier(Path({str(crops)!r}), {str(tmp_path)!r})'''
    done = subprocess.run([python, '-c', code], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [p.name for p in tmp_path.glob('.*')] == ['.epoch_1.pth.part']
    train_classifier(crops, tmp_path)
    assert set(read_log(tmp_path).validations) == {1, 2}
    assert not list(tmp_path.glob('.*'))


def test_weights_of_the_middle_of_an_epoch_are_not_validated_as_the_one_before(crops, tmp_path):
    """This also holds where no log tells that the epoch before was validated."""
    with pytest.raises(SystemExit):
        train_classifier(crops, tmp_path, dict(type='SignalAt', at=3))  # the third of 2 + 2 steps
    assert load_checkpoint(tmp_path / INTERRUPTED)['meta']['epoch'] == 1
    for log in tmp_path.rglob('scalars.json'):
        log.unlink()
    train_classifier(crops, tmp_path)
    assert set(read_log(tmp_path).validations) == {2}


def test_a_fine_tuning_that_has_nothing_to_resume_starts_from_its_weights(tmp_path):
    """It also says where it started from, after it was resumed."""
    from small_run import OneLayer, config
    state = OneLayer().state_dict()
    torch.save(dict(state_dict={**state, 'layer.weight': torch.full((1, 192), 3.)}), tmp_path / 'weights.pth')

    def trained(name, epochs, **options):
        cfg = config(str(tmp_path / name), epochs)
        cfg.load_from = str(tmp_path / 'weights.pth')
        train(cfg, **options)
        return cfg, load_checkpoint(tmp_path / name / f'epoch_{epochs}.pth')['state_dict']['layer.weight']

    _, plain = trained('plain', 1)
    first, fresh = trained('fresh', 1, resume='auto')
    assert torch.equal(plain, fresh) and (fresh - 3).abs().max() < 1
    again, _ = trained('fresh', 2, resume='auto')
    assert first.get('started_from') is None and again.started_from == first.load_from != again.load_from
