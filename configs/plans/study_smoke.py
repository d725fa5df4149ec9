"""The study at its smallest, a few steps per run: it shows that everything runs, and nothing else.

    python tools/transfer.py configs/plans/study_smoke.py
"""
_base_ = './study_cpu.py'

_steps = {'train_dataloader.num_batch_per_epoch': 2, 'train_cfg.max_epochs': 2}
pretrainings = [
    dict(one, options={**one['options'], **_steps}, seeds=[0]) if 'config' in one else
    dict(one, seeds=[0]) for one in _base_.pretrainings
]
detectors = [dict(one, options={**one['options'], **_steps}) for one in _base_.detectors]
