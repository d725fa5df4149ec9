"""The protocols of transfer: all of the detector is trained on all labels, or a part of either.

They change only the config, so that a run's config says which protocol it followed.
"""
import copy
import inspect
import math
from typing import Any

from mmengine.config import Config

from ..openmmlab.config_parts import class_of, leaf_settings, section
from ..runs.run_config import FROZEN, LABEL_FRACTION

HELD_OUT = 0.1  # the share of the training pictures by which a learning rate is chosen
SPLIT = 'TuningSplit'
TRAINED_PART, HELD_OUT_PART = 'train', 'held out'


def check_fraction(fraction: Any, name: str = 'fraction') -> None:
    """Check that a share of the labels is a number in (0, 1].

    Raises:
        ValueError: it is not. The message begins with ``name``.
    """
    if not (isinstance(fraction, (int, float)) and 0 < fraction <= 1):
        raise ValueError(f'{name}: expected a number in (0, 1], got {fraction!r}')


def check_share(share: Any, name: str) -> None:
    """Check that the share that is held out is a number between 0 and 1.

    Raises:
        ValueError: it is not. The message begins with ``name``.
    """
    if not (isinstance(share, float) and 0 < share < 1):
        raise ValueError(f'{name}: expected a number between 0 and 1, got {share!r}')


def check_rates(rates: Any) -> None:
    """Check that there are at least two different positive learning rates to choose from.

    Raises:
        ValueError: there are not.
    """
    numbers = isinstance(rates, (list, tuple)) and all(
        isinstance(rate, (int, float)) and math.isfinite(rate) and rate > 0 for rate in rates)
    if not numbers or len(rates) < 2 or len(set(rates)) < len(rates):
        raise ValueError(f'expected at least two different positive learning rates, got {rates!r}')


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
    seed = _seed_of(cfg, '--label-fraction')
    around = _around_pictures(cfg)
    around.dataset = dict(
        type=f'mmresizemix.{LABEL_FRACTION}', fraction=fraction, subset_seed=seed,
        dataset=around.dataset.get('dataset', around.dataset))


def hold_out(cfg: Config, fraction: float) -> int:
    """Train the detector of ``cfg`` without a share of its training pictures, and evaluate it on
    them, once, after the last epoch. Its own evaluation set is not used.

    Args:
        fraction: the share that is held out, in (0, 1). The seed of the config draws it
            (:class:`mmresizemix.training.set_parts.TuningSplit`).

    Returns:
        The seed.

    Raises:
        ValueError: ``fraction`` is not such a share, or the config has no seed or no validation.
    """
    check_share(fraction, '--held-out')
    if not cfg.get('val_dataloader') or not cfg.get('val_evaluator'):
        raise ValueError('--learning-rates: the config has no validation, which says how pictures '
                         'are read and judged; give it val_dataloader and val_evaluator')
    seed = _seed_of(cfg, '--learning-rates')
    around, shown = _around_pictures(cfg), next(leaf_settings(cfg.val_dataloader.dataset))
    held = copy.deepcopy(around.dataset)
    for leaf in leaf_settings(held):
        leaf['pipeline'] = copy.deepcopy(shown['pipeline'])
    split = dict(type=f'mmresizemix.{SPLIT}', fraction=fraction, subset_seed=seed)
    around.dataset = dict(**split, part=TRAINED_PART, dataset=around.dataset)
    cfg.val_dataloader.dataset = dict(**split, part=HELD_OUT_PART, dataset=held)
    cfg.val_evaluator = _judge_of(cfg, held)
    section(cfg, 'val_cfg').setdefault('type', 'ValLoop')
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, cfg.val_evaluator
    cfg.train_cfg.update(val_begin=1, val_interval=cfg.train_cfg.max_epochs)
    cfg.train_cfg.pop('dynamic_intervals', None)
    return seed


def _judge_of(cfg: Config, held: Any) -> Any:
    """Return the first evaluator of the validation, for boxes, and for annotations that are those
    of the training set."""
    found = cfg.val_evaluator
    judge = copy.deepcopy(found[0] if isinstance(found, list) else found)
    judge.pop('outfile_prefix', None)
    if class_of(judge) == 'CocoMetric':
        judge.update(ann_file=None, metric='bbox')
        for leaf in leaf_settings(held):
            for step in leaf['pipeline']:
                if class_of(step) == 'PackDetInputs':
                    step['meta_keys'] = (*step.get('meta_keys', _default_keys()), 'instances')
    return judge


def _default_keys() -> tuple[str, ...]:
    from mmdet.datasets.transforms import PackDetInputs
    return inspect.signature(PackDetInputs).parameters['meta_keys'].default


def _around_pictures(cfg: Config) -> Any:
    """Return the section of ``cfg`` whose ``dataset`` has each training picture once: inside of
    sets that repeat pictures, weigh them or mix them."""
    around = cfg.train_dataloader
    while 'dataset' in around.dataset and class_of(around.dataset) != LABEL_FRACTION:
        around = around.dataset
    return around


def _seed_of(cfg: Config, option: str) -> int:
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is None:
        raise ValueError(f'{option}: the config has no seed, which says the pictures; add --seed')
    return seed
