"""The log says how a training mixes, and the training does not notice."""
import json
from pathlib import Path

import pytest
import torch

from mmresizemix.datasets import write_scenes
from mmresizemix.installed import CONFIGS, read_config
from mmresizemix.launch import train
from mmresizemix.mix_log import MixLogHook

HALF = {'model.train_cfg.augments.scale_range': (0.5, 0.5)}  # of 48 pixels: an area of exactly 1/4
TYPE = 'mmresizemix.MixLogHook'


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data'), crops=(8, 2), crop_size=48, coco=(8, 2),
                        voc=(1, 1, 1), scene_size=(96, 96)) / 'classification'


def log_of(crops, work_dir, name='resnet18-resizemix_scenes', **options) -> list[dict]:
    """Train one epoch of three steps; the training lines of scalars.json."""
    cfg = read_config(CONFIGS / f'demo/{name}.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(crops)
        loader.collate_fn = dict(type='default_collate')
    cfg.merge_from_dict({'work_dir': str(work_dir), 'train_cfg.max_epochs': 1,
                         'default_hooks.logger.interval': 1, **options})
    train(cfg)
    [log] = Path(work_dir).glob('*/vis_data/scalars.json')
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
    hook._hear(None, (scores, torch.tensor([1, 2, 2])), None)
    of_mixed, plain = (value.item() for value in hook._waiting['mix/accuracy'])
    assert of_mixed == pytest.approx(100 * (.3 + .9 + 0) / 3, rel=1e-6)
    assert plain == pytest.approx(100 * 2 / 3)


def test_training_does_not_notice(crops, tmp_path):
    name = 'demo/resnet18-resizemix_scenes.py'
    hooks = read_config(CONFIGS / name).custom_hooks
    assert any(hook.type == TYPE for hook in hooks)
    log_of(crops, tmp_path / 'with')
    log_of(crops, tmp_path / 'without', custom_hooks=[h for h in hooks if h.type != TYPE])
    states = [torch.load(tmp_path / run / 'epoch_1.pth', weights_only=False)['state_dict']
              for run in ('with', 'without')]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
