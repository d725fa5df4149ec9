"""Tests that each of several runs on one GPU keeps to its share."""
import torch
from mmengine.config import Config

from mmresizemix.training.sharing import GPU_SHARE, WORKERS, shared, take_share

LOADERS = dict(train_dataloader=dict(num_workers=5), val_dataloader=dict(num_workers=0),
               test_dataloader=None)


def test_what_a_plan_says_a_run_does(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'set_per_process_memory_fraction', asked.append)
    for name, value in shared(3, 4).items():
        monkeypatch.setenv(name, value)
    cfg = Config(LOADERS)
    take_share(cfg)
    assert [round(share, 6) for share in asked] == [0.3]
    assert cfg.train_dataloader.num_workers == 3 and cfg.val_dataloader.num_workers == 0


def test_alone_nothing_is_changed(monkeypatch):
    for name in (GPU_SHARE, WORKERS):
        monkeypatch.delenv(name, raising=False)
    cfg = Config(LOADERS)
    take_share(cfg)
    assert cfg.to_dict() == LOADERS


def test_with_few_cores_one_worker_is_left():
    assert shared(8, 1)[WORKERS] == shared(8, 0)[WORKERS] == '1'
