"""The demo at its smallest: it shows that everything runs, and nothing else.

    python tools/transfer.py configs/plans/demo_smoke.py      # after: make demo SCALE=smoke
"""
_base_ = './demo.py'
_epochs = 2
_short = {
    'train_cfg.max_epochs': _epochs,
    'train_cfg.val_interval': 1,
    'default_hooks.checkpoint.interval': 1
}
_pretrain = {**_short, 'param_scheduler.1.T_max': _epochs}
pretrainings = [
    dict(one, seeds=[0], options=dict(one['options'], **_pretrain)) if 'config' in one else dict(
        one, seeds=[0]) for one in _base_.pretrainings
]
detectors = [dict(one, options=_short) for one in _base_.detectors]
