"""Tests that the log says how a training mixes, and that the training does not notice."""
import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, init_default_scope
from mmpretrain.registry import MODELS
from small_classifier import small_classifier, write_crops

from mmresizemix.openmmlab.installed import CONFIGS, read_config
from mmresizemix.runs.run_config import RunConfig
from mmresizemix.training import mix_log
from mmresizemix.training.launch import train
from mmresizemix.training.mix_log import MixLogHook
from mmresizemix.transfer import load_checkpoint

HALF = {'model.train_cfg.augments.scale_range': (0.5, 0.5)}  # with 48 pixels, the area is exactly 1/4
TYPE = 'mmresizemix.MixLogHook'
NAMES = ('mix/source_weight', 'mix/share', 'mix/accuracy')


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    return write_crops(tmp_path_factory.mktemp('data'), 8)


def log_of(crops, work_dir, name='resnet18-resizemix_scenes', resume=None,
           **options) -> list[dict]:
    """Train one epoch of three steps, and return the training lines of scalars.json."""
    train(small_classifier(crops, work_dir, name, **{'train_cfg.max_epochs': 1, **options}), resume=resume)
    log = max(Path(work_dir).glob('*/vis_data/scalars.json'))
    return [line for line in map(json.loads, log.read_text().splitlines()) if 'loss' in line]


def test_weight_and_share_are_what_was_drawn(crops, tmp_path):
    for line in log_of(crops, tmp_path, **HALF):
        assert (line['mix/source_weight'], line['mix/share']) == (0.25, 1)
        assert 0 <= line['mix/accuracy'] <= 100


def test_without_mixing_there_is_an_accuracy_alone(crops, tmp_path):
    lines = log_of(crops, tmp_path, 'resnet18_scenes')
    assert lines and all(set(filter(lambda n: n[:4] == 'mix/', line)) == {'mix/accuracy'}
                         for line in lines)


def test_batches_that_chance_leaves_alone_count_as_not_mixed(crops, tmp_path):
    lines = log_of(crops, tmp_path, **HALF, **{'model.train_cfg.probs': [0.5],
                                               'train_dataloader.batch_size': 4})
    assert {(line['mix/share'], line['mix/source_weight']) for line in lines} == {(0, 0), (1, .25)}


def test_a_line_has_the_mean_since_the_last(crops, tmp_path):
    options = {'train_dataloader.batch_size': 4}
    each = log_of(crops, tmp_path / 'each', **options)
    some = log_of(crops, tmp_path / 'some', **options, **{'default_hooks.logger.interval': 4})
    for name in ('mix/source_weight', 'mix/accuracy'):
        for i, line in enumerate(some):
            mean = sum(one[name] for one in each[4 * i:4 * i + 4]) / 4
            assert line[name] == pytest.approx(mean, rel=1e-6)
    assert len(each) == 4 * len(some)


def test_mixed_accuracy_is_the_weight_of_the_predicted_class():
    hook = MixLogHook()
    scores = torch.tensor([[0., 2., 1.], [0., 1., 3.], [5., 0., 0.]])
    mixed = torch.tensor([[.7, .3, 0.], [0., .1, .9], [0., .5, .5]])
    hook._hear(None, (scores, mixed), None)
    assert hook._sums['mix/accuracy'][0].item() == pytest.approx(100 * (.3 + .9 + 0) / 3, rel=1e-6)
    plain = MixLogHook()
    plain._hear(None, (scores, torch.tensor([1, 2, 2])), None)
    assert plain._sums['mix/accuracy'][0].item() == pytest.approx(100 * 2 / 3)


def test_nothing_is_read_before_a_line_is_due():
    """Tensors of the device 'meta' have no values, so reading one raises an error."""
    hook = MixLogHook()
    for labels in (torch.empty(4, 3, device='meta'), torch.empty(4, device='meta').long()):
        hook._hear(None, (torch.empty(4, 3, device='meta'), labels), None)
    total, count = hook._sums['mix/accuracy']
    assert total.is_meta and count == 2
    with pytest.raises(RuntimeError):
        float(total)


def test_training_does_not_notice(crops, tmp_path):
    name = 'demo/resnet18-resizemix_scenes.py'
    hooks = read_config(CONFIGS / name).custom_hooks
    assert any(hook.type == TYPE for hook in hooks)
    log_of(crops, tmp_path / 'with')
    log_of(crops, tmp_path / 'without', custom_hooks=[h for h in hooks if h.type != TYPE])
    states = [torch.load(tmp_path / run / 'epoch_1.pth', weights_only=False)['state_dict']
              for run in ('with', 'without')]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@HOOKS.register_module(force=True)
class StopMixedRun(Hook):
    """A hook that asks the run to stop between two lines of the log."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_stopped_between_two_lines_logs_what_a_straight_one_does(crops, tmp_path):
    options = {'train_dataloader.batch_size': 4, 'default_hooks.logger.interval': 4}
    straight = log_of(crops, tmp_path / 'straight', **options)
    hooks = read_config(CONFIGS / 'demo/resnet18-resizemix_scenes.py').custom_hooks
    with pytest.raises(SystemExit):
        log_of(crops, tmp_path / 'stopped', **options,
               custom_hooks=[*hooks, dict(type='StopMixedRun')])
    assert set(load_checkpoint(tmp_path / 'stopped/interrupted.pth')['mix_log']) == set(NAMES)
    resumed = log_of(crops, tmp_path / 'stopped', resume='auto', **options)
    for name in NAMES:
        assert [line[name] for line in resumed] == pytest.approx([line[name] for line in straight])
    assert 'mix_log' not in load_checkpoint(tmp_path / 'stopped/epoch_1.pth')


def test_a_run_with_it_is_compared_with_one_from_before():
    config = read_config(CONFIGS / 'pretrain/resnet50_8xb64-300e_in1k.py').to_dict()
    older = dict(config, custom_hooks=[h for h in config['custom_hooks'] if h['type'] != TYPE])
    assert older != config and RunConfig.parse(older).settings() == RunConfig.parse(config).settings()


@pytest.mark.parametrize('augments, mixed', [
    (dict(type='mmresizemix.MixThenAugment', mix=dict(type='mmresizemix.ResizeMix'),
          transforms=[dict(type='RandAugment')]), True),
    (dict(type='mmresizemix.Mixup', per='batch'), True),
    (dict(type='mmresizemix.PuzzleMix'), True),
    (dict(type='mmresizemix.CutMix', prob=0.), False)])
def test_every_augment_of_ours_is_noted(crops, tmp_path, augments, mixed):
    lines = log_of(crops, tmp_path, **{'model.train_cfg.augments': dict(augments, _delete_=True)})
    assert all((line['mix/share'] > 0) == mixed for line in lines)  # Puzzle Mix may take nothing of a source
    assert all((line['mix/source_weight'] > 0) == mixed for line in lines)


def test_beside_another_packages_augment_the_accuracy_alone(crops, tmp_path):
    lines = log_of(crops, tmp_path, **{'model.train_cfg.augments': [
        dict(type='mmresizemix.ResizeMix'), dict(type='mmpretrain.Mixup', alpha=1.)]})
    assert all(set(filter(lambda n: n[:4] == 'mix/', line)) == {'mix/accuracy'} for line in lines)


SWITCH = dict(type='SwitchRecipeHook', schedule=[dict(
    action_epoch=2, batch_augments=dict(augments=dict(type='mmresizemix.PuzzleMix')),
    loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'))])


def test_augments_and_a_loss_that_arrive_in_mid_run_are_heard_seeded_and_attached(crops, tmp_path):
    """Puzzle Mix needs the model. The second epoch is the same in a run that is resumed after the first."""
    hooks = [*read_config(CONFIGS / 'demo/resnet18-resizemix_scenes.py').custom_hooks,
             dict(type='mmresizemix.AttachModelHook'), SWITCH]
    options = dict(custom_hooks=hooks, **{'train_cfg.max_epochs': 2})
    straight = log_of(crops, tmp_path / 'straight', **options)
    accuracies = [line['mix/accuracy'] for line in straight]
    assert len(accuracies) == 6 and len(set(accuracies[3:])) > 1, 'not the last value of the first loss'
    resumed = log_of(crops, tmp_path / 'resumed', resume=str(tmp_path / 'straight/epoch_1.pth'), **options)
    assert [line['mix/accuracy'] for line in resumed] == accuracies[3:]
    ends = [load_checkpoint(tmp_path / name / 'epoch_2.pth')['state_dict'] for name in ('straight', 'resumed')]
    assert all(torch.equal(one, two) for one, two in zip(*(end.values() for end in ends)))


@pytest.mark.parametrize('loss, labels, said', [
    (dict(type='CrossEntropyLoss', use_soft=True), torch.tensor([0, 1, 2, 0]), 'use_soft=True .*means nothing'),
    (dict(type='LabelSmoothLoss', label_smooth_val=.1, num_classes=3, mode='multi_label'), torch.eye(3)[[0, 1, 2, 0]],
     "mode='multi_label' .* the weights of the mix are lost"),
    (dict(type='CrossEntropyLoss'), torch.tensor([0, 1, 2, 0]), None),
    (dict(type='CrossEntropyLoss', use_soft=True), torch.eye(3)[[0, 1, 2, 0]], None),
    (dict(type='LabelSmoothLoss', label_smooth_val=.1, num_classes=3, mode='original'), torch.eye(3)[[0, 1, 2, 0]], None),
])
def test_a_loss_that_distorts_the_labels_is_said_once(monkeypatch, loss, labels, said):
    lines = []
    monkeypatch.setattr(mix_log, 'print_log', lambda text, *_: lines.append(text))
    init_default_scope('mmpretrain')
    model = SimpleNamespace(head=SimpleNamespace(loss_module=MODELS.build(loss)))
    hook = MixLogHook()
    hook.before_train(SimpleNamespace(model=model, hooks=[], iter=0))
    for _ in range(2):
        with suppress(RuntimeError):  # 4 labels against 3 classes
            model.head.loss_module(torch.rand(4, 3), labels)
    assert len(lines) == (said is not None) and all(re.search(said, line) for line in lines)
    hook.after_train(None)
    assert not model.head.loss_module._forward_hooks and not model.head.loss_module._forward_pre_hooks
