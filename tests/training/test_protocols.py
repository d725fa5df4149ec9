"""Tests of the protocols of transfer: a frozen backbone, and a share of the labels."""
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, RepeatDataset
from thin_networks import options_for

from mmresizemix import LabelFraction
from mmresizemix.datasets import SCENE_CLASSES, write_scenes
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.plan import PlanError, read_plan
from mmresizemix.plan.build_stages import build
from mmresizemix.runs import read_runs
from mmresizemix.runs.run_config import RunConfig
from mmresizemix.training.launch import train
from mmresizemix.training.protocols import set_protocol
from mmresizemix.transfer import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
RETINANET = str(ROOT / 'configs/demo/retinanet_r18_scenes-coco.py')


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(1, 1), crop_size=16,
                        coco=(10, 3), voc=(1, 1, 1), scene_size=(96, 96))


@pytest.fixture(scope='module')
def coco(scenes):
    return CocoDataset(ann_file='annotations/instances_train2017.json', data_root=str(scenes / 'coco'),
                       data_prefix=dict(img='train2017/'), metainfo=dict(classes=SCENE_CLASSES))


class Pictures:
    """As much of a data set as a share of it asks for when it is made."""

    def __init__(self, count):
        self.count = count

    def full_init(self):
        pass

    def __len__(self):
        return self.count


def share(count, fraction, seed=0) -> set[int]:
    return {*LabelFraction(Pictures(count), fraction, seed).positions}


def test_smaller_shares_are_inside_larger_ones():
    shares = [share(1000, fraction) for fraction in (.001, .01, .1, .5, 1)]
    assert [len(one) for one in shares] == [1, 10, 100, 500, 1000]
    assert all(small < large for small, large in pairwise(shares))
    assert share(1000, .1) == shares[2] != share(1000, .1, seed=1)
    assert len(share(3, .01)) == 1, 'at least one picture'


def test_every_picture_is_drawn_equally_often():
    seeds = 2000
    drawn = np.zeros(20)
    for seed in range(seeds):
        drawn[[*share(20, .25, seed)]] += 1
    assert np.abs(drawn / seeds - .25).max() < 5 * np.sqrt(.25 * .75 / seeds)


@pytest.mark.parametrize('fraction', [0, -1, 1.5, 'all'])
def test_a_share_is_more_than_nothing_and_at_most_all(fraction):
    with pytest.raises(ValueError, match=r'fraction: expected a number in \(0, 1\], got'):
        LabelFraction(Pictures(3), fraction, 0)
    cfg = read_config(RETINANET)
    with pytest.raises(ValueError, match='--label-fraction: expected a number'):
        set_protocol(cfg, label_fraction=fraction)


def test_a_share_is_a_data_set_of_mmdet(coco):
    some = LabelFraction(coco, .3, subset_seed=1)
    assert len(some) == 3 and some.metainfo == coco.metainfo
    ids = [coco.get_data_info(i)['img_id'] for i in some.positions]
    assert [some.get_data_info(i)['img_id'] for i in range(3)] == [some[i]['img_id'] for i in range(3)] == ids
    assert some.get_cat_ids(2) == coco.get_cat_ids(some.positions[2])
    twice = RepeatDataset(dict(type='mmresizemix.LabelFraction', dataset=coco, fraction=.3, subset_seed=1), 2)
    batches = AspectRatioBatchSampler(DefaultSampler(twice, shuffle=False), batch_size=3)
    assert [*batches] == [[0, 1, 2], [3, 4, 5]]
    assert {twice.get_data_info(i)['img_id'] for i in range(6)} == {*ids}
    some.pipeline = new = object()  # as PipelineSwitchHook does
    assert coco.pipeline is new


@pytest.mark.parametrize('name, around', [
    ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', []),
    ('mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py', ['RepeatDataset']),
    ('mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', ['MultiImageMixDataset']),
])
def test_pictures_are_counted_and_not_their_repetitions(name, around):
    cfg, before = read_config(name), read_config(name)
    cfg.randomness = dict(seed=5)
    for _ in range(2):  # a second time, the share is not taken of the share
        set_protocol(cfg, label_fraction=.1)
    dataset, whole = cfg.train_dataloader.dataset, before.train_dataloader.dataset
    for kind in around:
        assert dataset.type == whole.type == kind
        dataset, whole = dataset.dataset, whole.dataset
    assert dataset == dict(type='mmresizemix.LabelFraction', fraction=.1, subset_seed=5, dataset=whole)


def test_no_protocol_changes_nothing():
    cfg = read_config(RETINANET)
    before = cfg.to_dict()
    set_protocol(cfg)
    set_protocol(cfg, label_fraction=1)
    assert cfg.to_dict() == before


@pytest.mark.parametrize('cfg, reason', [
    (dict(model=dict(head=dict())), 'expected a config of an mmdet detector'),
    (dict(model=dict(backbone=dict()), train_dataloader=dict(dataset=dict())), 'the config has no seed'),
])
def test_what_has_no_protocol_says_so(cfg, reason):
    with pytest.raises(ValueError, match=f'--label-fraction: {reason}'):
        set_protocol(Config(cfg), label_fraction=.1)


def test_a_frozen_backbone_stays_what_it_was_and_a_run_says_its_protocol(scenes, monkeypatch, tmp_path):
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(scenes))
    cfg = read_config(RETINANET)
    cfg.merge_from_dict({'work_dir': str(tmp_path), 'train_cfg.max_epochs': 2, 'train_cfg.val_interval': 1,
                         'train_dataloader.batch_size': 2, **options_for(RETINANET)})
    train(cfg, backbone='random', seed=3, frozen=True, label_fraction=.4)
    first, second = (load_checkpoint(tmp_path / f'epoch_{epoch}.pth')['state_dict'] for epoch in (1, 2))
    same = [name for name in first if torch.equal(first[name], second[name])]
    assert same == [name for name in first if name.startswith('backbone.')]
    assert first['backbone.bn1.running_mean'].count_nonzero() == first['backbone.bn1.num_batches_tracked'] == 0
    assert load_checkpoint(tmp_path / 'epoch_2.pth')['meta']['iter'] == 4, 'two steps for four of ten pictures'
    [run], faults = read_runs([tmp_path])
    assert faults == [] and run.config.model == 'RetinaNet, frozen, 40 % of the labels'


def test_protocols_are_never_compared_with_one_another():
    def parsed(seed=0, **protocol):
        cfg = read_config(RETINANET)
        cfg.randomness = dict(seed=seed)
        set_protocol(cfg, **protocol)
        return RunConfig.parse(cfg.to_dict())

    runs = [parsed(), parsed(frozen=True), parsed(label_fraction=.1), parsed(label_fraction=.01),
            parsed(frozen=True, label_fraction=.1)]
    assert [run.model for run in runs] == [
        'RetinaNet', 'RetinaNet, frozen', 'RetinaNet, 10 % of the labels', 'RetinaNet, 1 % of the labels',
        'RetinaNet, frozen, 10 % of the labels']
    assert len({repr(sorted(run.settings().items())) for run in runs}) == len(runs)
    assert parsed(seed=1, label_fraction=.1).settings() == runs[2].settings(), 'each seed draws its own share'


def plan(folder, detector) -> Path:
    path = folder / 'plan.py'
    path.write_text(f"""
pretrainings = [dict(name='random weights', random=True)]
detectors = [dict(name='plain', config={RETINANET!r}), dict(name='D', config={RETINANET!r}, {detector})]
""")
    return path


def test_protocols_of_a_plan(tmp_path):
    stages, _ = build(read_plan(plan(tmp_path, 'frozen=True, label_fraction=0.1')), tmp_path)
    plain, ours = (next(s for s in stages if s.name.startswith(f'finetune {name}')) for name in ('plain', 'D'))
    words = [*map(str, ours.command())]
    assert words[words.index('--frozen'):][:3] == ['--frozen', '--label-fraction', '0.1']
    assert words.index('--cfg-options') < words.index('--work-dir') < words.index('--frozen')
    assert '--frozen' in ours.measure('out') and ours.cost != plain.cost
    assert '--frozen' not in plain.command() and '--label-fraction' not in plain.command()


@pytest.mark.parametrize('detector, reason', [
    ('frozen=1', 'frozen: expected True or False, got 1'),
    ('label_fraction=10', r'label_fraction: expected a number in \(0, 1\], got 10'),
])
def test_a_wrong_protocol_of_a_plan_is_said(tmp_path, detector, reason):
    with pytest.raises(PlanError, match=f"detectors: 'D': {reason}"):
        read_plan(plan(tmp_path, detector))
