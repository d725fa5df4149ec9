"""Tests of our augments inside mmpretrain: its registry, RandomBatchAugment, and model.train_cfg.augments."""
import copy
import inspect
import re
import subprocess
import sys

import pytest
import torch
from mmpretrain.models.utils.batch_augments import RandomBatchAugment
from mmpretrain.registry import BATCH_AUGMENTS, MODELS
from mmpretrain.structures import DataSample

from mmresizemix import CutMix, ResizeMix

OURS = dict(type='mmresizemix.ResizeMix', seed=0)


def test_registered_under_our_scope_beside_mmpretrains():
    assert isinstance(BATCH_AUGMENTS.build(OURS), ResizeMix)
    assert isinstance(BATCH_AUGMENTS.build(dict(type='mmresizemix.CutMix')), CutMix)
    assert BATCH_AUGMENTS.get('ResizeMix').__module__.startswith('mmpretrain.')


def test_inside_random_batch_augment_built_twice_from_one_config():
    config = dict(augments=[OURS, dict(type='mmresizemix.CutMix')], probs=[0.5, 0.3])
    kept = copy.deepcopy(config)
    for _ in range(2):
        augment = RandomBatchAugment(**config)
        out, scores = augment(torch.rand(4, 3, 16, 16), torch.eye(4))
        assert out.shape == (4, 3, 16, 16) and torch.allclose(scores.sum(1), torch.ones(4))
    assert config == kept


def test_upstream_still_needs_the_guard():
    """This test fails when mmpretrain copies ``probs``. Then remove openmmlab/random_batch_augment.py."""
    original = inspect.unwrap(RandomBatchAugment.__init__)
    assert original is not RandomBatchAugment.__init__, 'the guard is not in place'
    probs = [0.5]
    original(object.__new__(RandomBatchAugment), [ResizeMix()], probs)
    assert probs == [0.5, 0.5]


@pytest.mark.parametrize('first', ['mmresizemix', 'mmpretrain.models'])
def test_the_guard_is_there_whatever_is_imported_first(first, python):
    code = (f'import importlib, {first}, mmresizemix\n'
            'importlib.invalidate_caches()\n'  # this asks every finder, ours too
            'from mmpretrain.models.utils.batch_augments import RandomBatchAugment as R\n'
            'p, ours = [.5], dict(type="mmresizemix.ResizeMix"); R(ours, p); R(ours, p)\n'
            'assert p == [.5]')
    imports_ours_first = python if first == 'mmresizemix' else sys.executable
    done = subprocess.run([imports_ours_first, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def classifier(augments):
    return dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, num_stages=4, out_indices=(3, )),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=512,
                  loss=dict(type='CrossEntropyLoss', use_soft=True)),
        data_preprocessor=dict(num_classes=5, mean=[0, 0, 0], std=[1, 1, 1]),
        train_cfg=dict(augments=augments))


def test_inside_model_train_cfg_augments():
    from mmengine.registry import DefaultScope
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        config = classifier(dict(OURS))
        for _ in range(2):
            model = MODELS.build(copy.deepcopy(config))
        batch = dict(inputs=torch.randint(0, 255, (4, 3, 32, 32)),
                     data_samples=[DataSample().set_gt_label(i) for i in range(4)])
        mixed = model.data_preprocessor(batch, training=True)
        scores = torch.stack([s.gt_score for s in mixed['data_samples']])
        assert ((scores > 0).sum(1) == 2).all() and torch.allclose(scores.sum(1), torch.ones(4))
        loss = model.loss(mixed['inputs'], mixed['data_samples'])['loss']
        loss.backward()
        assert torch.isfinite(loss)


@pytest.mark.parametrize('kind', [ResizeMix, CutMix])
def test_every_documented_argument_is_in_the_signature(kind):
    documented = re.findall(r'^    (\w+) \(.+?\):', inspect.getdoc(kind), re.MULTILINE)
    assert documented == list(inspect.signature(kind).parameters)
