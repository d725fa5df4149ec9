"""Tests that fast training trains what the config says. Only the rounding and the order of copies differ, and the log
is the same."""
import copy
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from small_classifier import small_classifier, write_crops
from thin_networks import options_for

from mmresizemix.datasets import write_scenes
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.runs.logs import read_log
from mmresizemix.training.arguments import load_config
from mmresizemix.training.fast import DevicePrefetcher, use_fast_training
from mmresizemix.training.launch import build_runner, train
from mmresizemix.transfer import load_checkpoint

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
PRETRAIN = sorted(p.name for p in (CONFIGS / 'pretrain').glob('*.py'))
DEFERRED = dict(type='mmresizemix.DeferredRuntimeInfoHook', interval=3)


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    """Crops for six steps per epoch."""
    return write_crops(tmp_path_factory.mktemp('data'), 16)


def losses(work_dir) -> list[float]:
    [log] = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line['loss'] for line in lines if 'loss' in line]


@pytest.mark.parametrize('name', PRETRAIN)
def test_what_it_changes_in_a_config(name):
    before = read_config(CONFIGS / 'pretrain' / name)
    cfg = copy.deepcopy(before)
    use_fast_training(cfg)
    assert cfg.optim_wrapper.optimizer.pop('fused') is True
    assert cfg.optim_wrapper.pop('type') == 'mmresizemix.BFloat16OptimWrapper'
    assert cfg.train_cfg.pop('type') == 'mmresizemix.PrefetchingEpochLoop'
    assert cfg.custom_hooks.pop() == dict(type='mmresizemix.CompiledBackboneHook')
    assert cfg.pop('model_wrapper_cfg').type == 'mmresizemix.ChannelsLastDDP'
    interval = before.default_hooks.logger.interval
    assert cfg.default_hooks.pop('runtime_info') == dict(DEFERRED, interval=interval)
    assert cfg.env_cfg.cudnn_benchmark and not before.env_cfg.cudnn_benchmark
    cfg.env_cfg.cudnn_benchmark = False
    before.train_cfg.pop('by_epoch')
    assert cfg.to_dict() == before.to_dict()


def test_where_it_cannot_be_used():
    with pytest.raises(ValueError, match="fast: expected a pretraining config .* 'mmdet'"):
        use_fast_training(read_config(CONFIGS / 'demo/ssd96_r18_scenes-coco.py'))
    cfg = read_config(CONFIGS / 'pretrain' / PRETRAIN[0])
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    with pytest.raises(ValueError, match="fast: optim_wrapper.type: .* got 'AmpOptimWrapper'"):
        use_fast_training(cfg)


@pytest.fixture
def compiler(full, monkeypatch):
    """Let compiling end before it comes to C++, except with --full. The rest is only PyTorch's own work, and slow."""
    if not full:
        compile_module = torch.nn.Module.compile
        monkeypatch.setattr(torch.nn.Module, 'compile', lambda self, **options: compile_module(
            self, backend='aot_eager', **options))


def test_trains_as_without(crops, tmp_path, compiler):
    """A run that is compiled and in bfloat16 goes on from a checkpoint of a plain one, and a plain one from its. From
    the same seeds, the losses differ by rounding."""
    train(small_classifier(crops, tmp_path / 'plain'))
    train(small_classifier(crops, tmp_path / 'fast'), fast=True, resume=str(tmp_path / 'plain/epoch_1.pth'))
    plain, fast = (torch.tensor(losses(tmp_path / kind)[-6:]) for kind in ('plain', 'fast'))
    assert not torch.equal(plain, fast)
    assert (plain - fast).abs().max() < 0.1 * plain.mean()

    ends = [load_checkpoint(tmp_path / kind / 'epoch_2.pth') for kind in ('plain', 'fast')]
    plain, fast = ({k: (v.shape, v.dtype) for k, v in end['state_dict'].items()} for end in ends)
    assert plain == fast
    train(small_classifier(crops, tmp_path / 'after', **{'train_cfg.max_epochs': 3}),
          resume=str(tmp_path / 'fast/epoch_2.pth'))
    assert (tmp_path / 'after/epoch_3.pth').is_file()


@HOOKS.register_module(force=True)
class SignalAtIteration(Hook):
    """A hook that asks the run to stop after an iteration of the first epoch."""

    def __init__(self, iteration: int):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            os.kill(os.getpid(), signal.SIGTERM)


def test_the_deferred_log_is_the_log(crops, tmp_path):
    """This also holds for a run that was stopped between two times of handing losses over, and then resumed."""
    runs = {name: small_classifier(crops, tmp_path / name, **{'default_hooks.logger.interval': 3})
            for name in ('straight', 'deferred', 'stopped')}
    for name in ('deferred', 'stopped'):
        runs[name].default_hooks.runtime_info = DEFERRED
    train(runs['straight'])
    train(runs['deferred'])
    resumed = runs['stopped'].copy()
    runs['stopped'].custom_hooks.append(dict(type='SignalAtIteration', iteration=4))
    with pytest.raises(SystemExit):
        train(runs['stopped'])
    saved = torch.load(tmp_path / 'stopped/interrupted.pth', weights_only=False)['message_hub']
    assert len(saved['log_scalars']['train/loss'].data[0]) == 4, 'none is lost'
    train(resumed, resume='auto')
    assert losses(tmp_path / 'deferred') == losses(tmp_path / 'straight')
    log = [read_log(tmp_path / name) for name in ('stopped', 'straight')]
    assert log[0].validations == log[1].validations
    ends = [load_checkpoint(tmp_path / name / 'epoch_2.pth')['state_dict']
            for name in ('stopped', 'straight')]
    assert all(torch.equal(one, two) for one, two in zip(*(end.values() for end in ends)))


def test_on_a_cpu_batches_pass_as_they_are():
    loader = torch.utils.data.DataLoader(list(range(6)), batch_size=2)
    prefetcher = DevicePrefetcher(loader, 'cpu')
    assert [batch.tolist() for batch in prefetcher] == [[0, 1], [2, 3], [4, 5]]
    assert len(prefetcher) == 3 and prefetcher.dataset is loader.dataset


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_the_cpu_never_waits_for_the_gpu(crops, tmp_path):
    """This holds from the third step on, when everything is compiled, up to where the log is written."""
    cfg = small_classifier(crops, tmp_path, **{'default_hooks.logger.interval': 100,
                                     'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 10})
    use_fast_training(cfg)
    runner = build_runner(cfg)

    class NoWaiting(Hook):

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            torch.cuda.set_sync_debug_mode('error' if 2 <= batch_idx < 5 else 'default')

    runner.register_hook(NoWaiting(), priority='HIGHEST')
    try:
        runner.train()
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there --amp is float16, as in mmdet')
@pytest.mark.parametrize('config', ['ssd96_r18_scenes-coco', 'faster-rcnn_r18_scenes-coco'])
def test_a_detector_with_mixed_precision_on_a_cpu(tmp_path, tool, config):
    scenes = write_scenes(tmp_path / 'scenes', crops=(0, 0), coco=(8, 2), voc=(0, 0, 0), scene_size=(96, 96))
    done = tool('train', CONFIGS / f'demo/{config}.py', '--backbone', 'random', '--amp',
                '--work-dir', tmp_path, '--cfg-options', 'train_cfg.max_epochs=1',
                *(f'{key}={value}'.replace(' ', '') for key, value in options_for(config).items()),
                environment=dict(MMRESIZEMIX_DEMO_DATA=str(scenes)))
    assert done.returncode == 0, done.stderr
    weights = load_checkpoint(tmp_path / 'epoch_1.pth')['state_dict'].values()
    assert all(w.dtype == torch.float32 for w in weights if w.is_floating_point())
    assert "'mmresizemix.BFloat16OptimWrapper'" in done.stdout + done.stderr


def test_as_an_option_of_the_command_and_of_a_config():
    from argparse import Namespace
    name = str(CONFIGS / 'pretrain' / PRETRAIN[0])
    cfg = load_config(Namespace(config=name, launcher='none', local_rank=0, work_dir=None,
                                data_root=None, classes=None, cfg_options={'fast': True}))
    assert cfg.fast is True
