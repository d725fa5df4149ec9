"""The protocols of transfer: all of the detector is trained on all labels, or a part of either.

They change only the config, so that a run's config says which protocol it followed.
"""
from typing import Any

from mmengine.config import Config

from ..openmmlab.config_parts import class_of
from ..runs.run_config import FROZEN, LABEL_FRACTION


def check_fraction(fraction: Any, name: str = 'fraction') -> None:
    """Check that a share of the labels is a number in (0, 1].

    Raises:
        ValueError: it is not. The message begins with ``name``.
    """
    if not (isinstance(fraction, (int, float)) and 0 < fraction <= 1):
        raise ValueError(f'{name}: expected a number in (0, 1], got {fraction!r}')


def set_protocol(cfg: Config, frozen: bool = False, label_fraction: float | None = None) -> None:
    """Set the protocol of the detector of ``cfg``.

    Args:
        frozen: keep the backbone as it is (:class:`mmresizemix.FrozenBackboneHook`).
        label_fraction: the share of the training pictures that are used, drawn by the seed of the
            config (:class:`mmresizemix.LabelFraction`). None or 1 means all.

    Raises:
        ValueError: the config is not a detector's, or has no seed, or the share is not in (0, 1].
    """
    if not frozen and label_fraction is None:
        return
    if 'backbone' not in (cfg.get('model') or {}) or not cfg.get('train_dataloader'):
        raise ValueError('--frozen, --label-fraction: expected a config of an mmdet detector with '
                         'model.backbone and train_dataloader')
    hooks = cfg.get('custom_hooks') or []
    if frozen and FROZEN not in map(class_of, hooks):
        cfg.custom_hooks = [*hooks, dict(type=f'mmresizemix.{FROZEN}')]
        # DDP is built before the hook is called, and would wait for gradients.
        cfg.find_unused_parameters = True
        if cfg.get('model_wrapper_cfg'):
            cfg.model_wrapper_cfg.find_unused_parameters = True
    if label_fraction is not None:
        check_fraction(label_fraction, '--label-fraction')
        if label_fraction < 1:
            _take_fraction(cfg, label_fraction)


def _take_fraction(cfg: Config, fraction: float) -> None:
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is None:
        raise ValueError('--label-fraction: the config has no seed, which says the pictures; add '
                         '--seed')
    # Inside of sets that repeat pictures, weigh them or mix them, so that pictures are counted.
    around = cfg.train_dataloader
    while 'dataset' in around.dataset and class_of(around.dataset) != LABEL_FRACTION:
        around = around.dataset
    around.dataset = dict(
        type=f'mmresizemix.{LABEL_FRACTION}', fraction=fraction, subset_seed=seed,
        dataset=around.dataset.get('dataset', around.dataset))
