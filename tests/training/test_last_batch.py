"""Tests that a last batch of one picture is named before the first step where it cannot be trained."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmpretrain.models import ImageClassifier
from torch.utils.data import DataLoader

from mmresizemix.training.last_batch import LastBatchHook


class Pictures:
    """Random pictures, drawn from the global streams as a pipeline draws them."""

    def __init__(self, count, side):
        self.count, self.side = count, side

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        np.random.rand()
        return dict(inputs=torch.rand(3, self.side, self.side))


class Stopped(Exception):
    """Raised by a network that must not be asked."""


def classifier(norm='BN', asked=True, **settings):
    model = ImageClassifier(backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8,
                                          norm_cfg=dict(type=norm), **settings))
    if not asked:
        def refuse(*args):
            raise Stopped
        model.extract_feat = refuse
    return model


def begin(pictures, batch, side=32, drop_last=False, model=None):
    loader = DataLoader(Pictures(pictures, side), batch, drop_last=drop_last)
    LastBatchHook().before_train(SimpleNamespace(train_dataloader=loader, model=model or classifier()))


@pytest.mark.parametrize('pictures, batch', [(9, 4), (1, 4), (5, 1)])
def test_a_batch_that_cannot_be_trained_is_named(pictures, batch):
    with pytest.raises(ValueError, match=f'an epoch of {pictures} pictures in batches of {batch} ends with a batch of one'
                                         '.* set train_dataloader.drop_last=True, or another batch_size'):
        begin(pictures, batch)


def test_what_can_be_trained_passes():
    begin(9, 4, side=64)
    begin(9, 4, model=classifier(asked=False), drop_last=True)
    begin(8, 4, model=classifier(asked=False))
    begin(10, 4, model=classifier(asked=False))
    begin(9, 4, model=classifier('SyncBN', asked=False))  # its statistics are over all processes
    begin(9, 4, model=classifier(norm_eval=True, asked=False))
    begin(9, 4, model=torch.nn.Sequential(torch.nn.BatchNorm2d(3)))


def test_nothing_is_changed_by_the_trial():
    model = classifier()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    forward_hooks = [len(one._forward_pre_hooks) for one in model.modules()]
    streams = torch.get_rng_state(), np.random.get_state()[1].copy()
    begin(9, 4, side=64, model=model)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.training and [len(one._forward_pre_hooks) for one in model.modules()] == forward_hooks
    assert torch.equal(torch.get_rng_state(), streams[0]) and (np.random.get_state()[1] == streams[1]).all()


def test_upstream_still_stops_there():
    """If PyTorch takes such a batch one day, the hook is not needed any more."""
    with pytest.raises(ValueError, match='Expected more than 1 value per channel'):
        classifier().train().extract_feat(torch.rand(1, 3, 32, 32))
