"""Tests that options of a command line reach a setting of the config, or are refused in a line."""
import pytest
from mmengine.config import Config

from mmresizemix.openmmlab.config_parts import merge_options


def config():
    return Config(dict(train_cfg=dict(max_epochs=3), model=dict(head=None, augments=[dict(prob=1.), dict(prob=1.)]), none=[]))


def test_settings_are_overridden_and_new_ones_are_told():
    cfg = config()
    assert merge_options(cfg, {'train_cfg.max_epochs': 1, 'model.augments.1.prob': 0, 'optimizer.clip': 2, 'x': 3,
                               'model.head': 1}) == ['optimizer.clip', 'x']
    assert cfg.train_cfg.max_epochs == 1 and [one.prob for one in cfg.model.augments] == [1, 0]
    assert cfg.optimizer.clip == 2 and cfg.x == 3 and cfg.model.head == 1
    assert merge_options(config(), None) == merge_options(config(), {}) == []


def test_a_section_may_be_replaced():
    cfg = config()
    assert merge_options(cfg, {'model.augments._delete_': True, 'model.augments.type': 'x'}) == []
    assert cfg.model.augments == dict(type='x')


@pytest.mark.parametrize('options, named', [
    ({'model.augments.prob': 0}, 'model.augments.prob: model.augments is a list of 2; give positions, as in '
     r'model.augments.0.prob=... model.augments.1.prob=...'),
    ({'model.augments.2.prob': 0}, 'is a list of 2; give positions'),
    ({'none.0': 0}, 'none.0: none is an empty list'),
    ({'train_cfg.max_epoch': 1}, "train_cfg.max_epoch: train_cfg has no 'max_epoch'; write 'max_epochs', or put"),
    ({'modell.head': 1}, "modell.head: the config has no 'modell'; write 'model'"),
    ({'model.head.num_classes': 1}, 'model.head.num_classes: model.head is None and has no settings; put'),
    ({'train_cfg.max_epochs.x': 1}, 'train_cfg.max_epochs is 3 and has no settings'),
    ({'model.augments': [], 'model.augments.0': 1}, 'model.augments.0 is a part of model.augments; give one of both'),
])
def test_options_that_lead_nowhere_are_refused(options, named):
    with pytest.raises(ValueError, match=named):
        merge_options(config(), options)
