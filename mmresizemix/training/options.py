"""The changes that the options of training make to a config."""
import torch
from mmengine.config import Config

from ..runs.run import RANDOM

GUARD = 'mmresizemix.BackboneGuard'


def use_amp(cfg: Config) -> None:
    """Set ``cfg`` to mixed precision, float16 on a GPU and bfloat16 on a CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'mmresizemix.BFloat16OptimWrapper'


def set_backbone(cfg: Config, backbone: str) -> None:
    """Let the detector of ``cfg`` start from the file ``backbone``, or from random weights.

    With random weights nothing is frozen, neither stages nor BatchNorm statistics.

    Raises:
        ValueError: the config is not a detector's.
    """
    if cfg.get('default_scope') != 'mmdet' or 'backbone' not in cfg.model:
        raise ValueError('--backbone: expected a config of an mmdet detector with model.backbone, '
                         f'got one of scope {cfg.get("default_scope")!r}')
    if backbone == RANDOM:
        cfg.model.backbone.update(init_cfg=None, frozen_stages=-1, norm_eval=False)
    else:
        cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=backbone)
    # The guard proves before the first step that the weights arrived.
    hooks = cfg.setdefault('custom_hooks', [])
    if not any(hook['type'] == GUARD for hook in hooks):
        hooks.append(dict(type=GUARD))
    for hook in hooks:
        if hook['type'] == GUARD:
            hook['from_scratch'] = backbone == RANDOM
