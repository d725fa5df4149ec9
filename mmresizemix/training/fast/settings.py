"""The changes that ``fast`` makes to a pretraining config."""
import inspect

import torch
from mmengine.config import Config

from ...openmmlab.config_parts import section

FAST_HOOKS = ('DeferredRuntimeInfoHook', 'CompiledBackboneHook')


def use_fast_training(cfg: Config) -> None:
    """Change ``cfg`` in place to train fast. Apart from rounding to bfloat16 the training stays the
    same: pictures, mixing, schedule, batch size and weight decay.

    Raises:
        ValueError: ``cfg`` is not a config of a classifier with a backbone, or it already sets
            another optimizer wrapper or loop.
    """
    if cfg.get('default_scope') != 'mmpretrain' or 'backbone' not in cfg.model:
        raise ValueError('fast: expected a pretraining config of mmpretrain with model.backbone, '
                         f'got one of scope {cfg.get("default_scope")!r}')
    # Precision and the loop.
    _set(cfg.optim_wrapper, 'type', 'mmresizemix.BFloat16OptimWrapper', 'optim_wrapper.type',
         (None, 'OptimWrapper'))
    _set(cfg.train_cfg, 'type', 'mmresizemix.PrefetchingEpochLoop', 'train_cfg.type',
         (None, 'EpochBasedTrainLoop', 'mmresizemix.ResumableEpochLoop'))
    cfg.train_cfg.pop('by_epoch', None)  # MMEngine accepts either it or a type
    # The fused optimizer, if there is one.
    optimizer = cfg.optim_wrapper.optimizer
    if 'fused' in inspect.signature(getattr(torch.optim, optimizer.type, object)).parameters:
        optimizer.fused = True
    # The log, compilation and DDP.
    hooks = section(cfg, 'default_hooks')
    hooks['runtime_info'] = dict(type='mmresizemix.DeferredRuntimeInfoHook',
                                 interval=hooks.get('logger', {}).get('interval', 10))
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []),
                        dict(type='mmresizemix.CompiledBackboneHook')]
    cfg.model_wrapper_cfg = dict(type='mmresizemix.ChannelsLastDDP', broadcast_buffers=False)
    section(cfg, 'env_cfg').cudnn_benchmark = True


def _set(where: dict, key: str, value: str, name: str, expected: tuple[str | None, ...]) -> None:
    if where.get(key) not in expected:
        raise ValueError(f'fast: {name}: expected MMEngine\'s default, got {where[key]!r}')
    where[key] = value
