"""The changes that the options of training make to a config."""
import inspect
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from ..openmmlab.config_parts import built_class, class_of, full_class_of
from ..runs.run import RANDOM
from .transfer_run import make_transfer_run

GUARD = 'BackboneGuard'
# What random weights may not have. Backbones without such an argument freeze nothing.
THAWED = dict(frozen_stages=-1, norm_eval=False)


def use_amp(cfg: Config) -> None:
    """Set ``cfg`` to mixed precision, float16 on a GPU and bfloat16 on a CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'mmresizemix.BFloat16OptimWrapper'


def set_backbone(cfg: Config, backbone: str) -> list[str]:
    """Let the detector of ``cfg`` start from the file ``backbone``, or from random weights, and
    make a transfer run of it (:func:`make_transfer_run`).

    With random weights nothing is frozen, neither stages nor normalisation layers.

    Returns:
        A line about each other setting that was changed.

    Raises:
        ValueError: the config is not a detector's, it loads other weights over those of the file,
            or it cannot be made a transfer run.
    """
    # Pure Python configs name classes, and need no scope. What is added here needs one.
    model: Any = cfg.get('model') or {}
    said = []
    if cfg.get('default_scope') is None and full_class_of(model).startswith('mmdet.'):
        cfg.default_scope = 'mmdet'
        said.append("default_scope: 'mmdet'")
    if cfg.get('default_scope') != 'mmdet' or 'backbone' not in model:
        raise ValueError('--backbone: expected a config of an mmdet detector with model.backbone, '
                         f'got one of scope {cfg.get("default_scope")!r}'
                         + ('' if 'backbone' in model else ' without model.backbone'))
    if cfg.get('load_from') and not cfg.get('resume'):
        raise ValueError(f'--backbone: load_from={cfg.load_from} would overwrite the backbone; '
                         'add --cfg-options load_from=None')
    said += make_transfer_run(cfg)
    if backbone == RANDOM:
        model.backbone.init_cfg = None
        model.backbone.update({k: v for k, v in THAWED.items() if _takes(model.backbone, k)})
        if (model.backbone.get('norm_cfg') or {}).get('requires_grad') is False:
            model.backbone.norm_cfg.requires_grad = True
    else:
        model.backbone.init_cfg = dict(type='Pretrained', checkpoint=backbone)
    # The guard proves before the first step that the weights arrived.
    for hook in cfg.custom_hooks:
        if class_of(hook) == GUARD:
            hook.from_scratch = backbone == RANDOM
    return said


def _takes(settings: Any, argument: str) -> bool:
    """Whether the class that ``settings`` build has an argument of this name."""
    if argument in settings:
        return True
    kind = built_class(settings, MODELS, 'mmdet')
    # Arguments that a class does not know go on to the next one if it takes any (**kwargs).
    for one in inspect.getmro(kind):
        taken = inspect.signature(one).parameters
        if argument in taken or not any(p.kind == p.VAR_KEYWORD for p in taken.values()):
            return argument in taken
    return False
