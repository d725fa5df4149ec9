"""The demo at its smallest: it shows that everything runs, and nothing else.

    python tools/transfer.py configs/plans/demo_smoke.py      # after: make demo SCALE=smoke
"""
_base_ = './demo.py'
_two_epochs = {
    'train_cfg.max_epochs': 2,
    'train_cfg.val_interval': 1,
    'default_hooks.checkpoint.interval': 1
}
_pretrain = {**_two_epochs, 'param_scheduler.1.T_max': 2}
pretrainings = [
    dict(one, seeds=[0], options=dict(one['options'], **_pretrain)) if 'config' in one else dict(
        one, seeds=[0]) for one in _base_.pretrainings
]
detectors = [dict(one, options=_two_epochs) for one in _base_.detectors]
