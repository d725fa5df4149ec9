"""Tests that a training whose weights are lost stops, and writes no checkpoint of them."""
import pytest
import torch

from mmresizemix.datasets import write_scenes
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.training.finite import FiniteWeightsHook, LostWeightsError
from mmresizemix.training.launch import build_runner


def config(tmp_path, monkeypatch, **options):
    scenes = write_scenes(tmp_path / 'scenes', crops=(8, 2), crop_size=48, coco=(2, 2),
                          voc=(2, 2, 2), scene_size=(96, 96))
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(scenes))
    cfg = read_config('configs/demo/resnet18_scenes.py')
    collate = dict(type='default_collate')
    cfg.merge_from_dict({
        'work_dir': str(tmp_path / 'run'), 'train_cfg.max_epochs': 2, **options,
        'train_dataloader.batch_size': 16, 'train_dataloader.num_workers': 0,
        'train_dataloader.collate_fn': collate, 'val_dataloader.collate_fn': collate})
    return cfg


@pytest.mark.parametrize('interval, when', [(1, 'epoch 1, iteration'), (50, 'the end of epoch 1')])
def test_it_stops_before_the_checkpoint(tmp_path, monkeypatch, interval, when):
    cfg = config(tmp_path, monkeypatch, **{'optim_wrapper.optimizer.lr': 1e30})
    next(h for h in cfg.custom_hooks if 'Finite' in h.type).interval = interval
    with pytest.raises(LostWeightsError, match=f'not finite at {when}.*No checkpoint'):
        build_runner(cfg).train()
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_a_loss_that_mixed_precision_skipped_is_no_reason(tmp_path, monkeypatch):
    """The weights are still finite, so training goes on."""
    runner = build_runner(config(tmp_path, monkeypatch))
    FiniteWeightsHook(1).after_train_iter(runner, 0, outputs=dict(loss=torch.tensor(float('inf'))))
    with torch.no_grad():
        runner.model.backbone.bn1.weight[0] = float('nan')
    with pytest.raises(LostWeightsError, match='backbone.bn1.weight first'):
        FiniteWeightsHook(1).after_train_iter(runner, 0,
                                              outputs=dict(loss=torch.tensor(float('nan'))))
