"""Tests that a command of ours unpickles nothing, whichever way a checkpoint comes in, and takes no other model's weights.
"""
import pickle

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from small_classifier import small_classifier, write_crops
from transfer_samples import RunsCode

from mmresizemix.openmmlab.checkpoint import CheckpointError
from mmresizemix.openmmlab.strict_loading import load_strictly, local_file
from mmresizemix.training.launch import test as evaluate
from mmresizemix.training.launch import train


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    return write_crops(tmp_path_factory.mktemp('data'), 4)


@pytest.fixture
def evil(tmp_path):
    torch.save(dict(state_dict={}, meta=RunsCode(tmp_path / 'ran')), tmp_path / 'evil.pth')
    return tmp_path / 'evil.pth'


def by_load_from(cfg, evil):
    cfg.load_from = str(evil)
    train(cfg)


def by_resume_in_the_config(cfg, evil):
    (evil.parent / 'run').mkdir()
    (evil.parent / 'run/last_checkpoint').write_text(str(evil))
    cfg.resume = True
    train(cfg)


def by_init_cfg_of_a_part(cfg, evil):
    cfg.model.head.init_cfg = dict(type='Pretrained', checkpoint=str(evil))
    train(cfg)


def by_the_option(cfg, evil):
    train(cfg, resume=str(evil))


def by_test(cfg, evil):
    cfg.test_dataloader = cfg.val_dataloader
    evaluate(cfg, str(evil))


@pytest.mark.parametrize('door', [by_load_from, by_resume_in_the_config, by_init_cfg_of_a_part, by_the_option,
                                  by_test])
def test_nothing_is_unpickled(door, crops, evil, tmp_path):
    with pytest.raises(CheckpointError, match='evil.pth: asks for .*system'):
        door(small_classifier(crops, tmp_path / 'run', 'resnet18_scenes'), evil)
    assert not (tmp_path / 'ran').exists()


def test_a_file_that_is_two_things_is_read_by_its_first_bytes(tmp_path):
    """A checker that goes by the suffix and a loader that goes by the content would see two files."""
    evil = pickle.dumps(RunsCode(tmp_path / 'ran'))
    header = b'{}' + b' ' * 6
    both = len(header).to_bytes(8, 'little') + header + evil
    for name in ('both.pth', 'both.safetensors'):
        (tmp_path / name).write_bytes(both)
        with pytest.raises(CheckpointError):
            CheckpointLoader.load_checkpoint(str(tmp_path / name))
    assert not (tmp_path / 'ran').exists()


@pytest.fixture(autouse=True)
def strict():
    load_strictly()
    init_default_scope('mmpretrain')


def test_what_mmengine_gets_is_what_it_would_have_read(crops, tmp_path):
    train(small_classifier(crops, tmp_path / 'run', 'resnet18_scenes', **{'train_cfg.max_epochs': 1}))
    found = CheckpointLoader.load_checkpoint(str(tmp_path / 'run/epoch_1.pth'), map_location='cpu')
    logged = found['message_hub']['log_scalars']['train/loss']
    assert isinstance(logged, HistoryBuffer) and len(logged.data[0]) == 2 and logged.mean(2) > 0


@pytest.mark.parametrize('address, named', [
    ('s3://bucket/a.pth', 'cannot be read strictly'), ('mmcls://resnet1', 'mmcls has no such weights'),
    ('torchvision://resnet19', 'torchvision has no such weights; it has, among others, resnet18'),
    ('open-mmlab://nothing', 'has no such weights')])
def test_an_address_that_cannot_be_read_is_named(address, named):
    with pytest.raises(CheckpointError, match=named):
        local_file(address)
    with pytest.raises(CheckpointError, match=named):
        CheckpointLoader.load_checkpoint(address)


# The weights of another model


def test_another_models_weights_are_neither_tested_nor_resumed(crops, tmp_path):
    one = small_classifier(crops, tmp_path / 'one', 'resnet18_scenes', **{'train_cfg.max_epochs': 1})
    train(one)
    file = tmp_path / 'one/epoch_1.pth'
    wider = {'model.backbone.base_channels': 16, 'model.head.in_channels': 16}
    with pytest.raises(CheckpointError, match=r'epoch_1.pth: is the checkpoint of another model: \d+ have another '
                                              r'shape \(backbone'):
        by_test(small_classifier(crops, tmp_path / 'two', 'resnet18_scenes', **wider), file)
    with pytest.raises(CheckpointError, match='of another model'):
        train(small_classifier(crops, tmp_path / 'three', 'resnet18_scenes', **wider), resume=str(file))
    by_test(small_classifier(crops, tmp_path / 'four', 'resnet18_scenes'), file)
    # A training that starts anew may take a part of it.
    cfg = small_classifier(crops, tmp_path / 'five', 'resnet18_scenes', **wider)
    cfg.load_from = str(file)
    train(cfg)
