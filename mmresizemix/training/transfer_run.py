"""The settings that all detectors of a transfer study have: the guard, seeds by rank and epoch, AP
with every digit, and kept detections.

Our configs take it by name from ``configs/_base_/transfer.py``. To any other config of MMDetection
it is added here, from the same file.
"""
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from ..openmmlab.config_parts import class_of, full_class_of, section
from ..openmmlab.installed import CONFIGS, read_config

SHARED = CONFIGS / '_base_/transfer.py'
EPOCH_LOOPS = ('EpochBasedTrainLoop', 'ResumableEpochLoop')
ENDLESS = ('InfiniteSampler', 'MultiSourceSampler', 'GroupMultiSourceSampler')
EVALUATORS = ('CocoMetric', 'VOCMetric')  # whose metrics comparisons read
METRICS = ('bbox', 'segm')  # those of CocoMetric


def make_transfer_run(cfg: Config) -> list[str]:
    """Give the detector of ``cfg`` what it lacks of ``configs/_base_/transfer.py``.

    The epoch loop that resumes exactly is set for every training, by
    :func:`mmresizemix.training.launch.train`.

    Returns:
        A line about each setting that was changed, with its old value. Configs that have all of it,
        as ours do, give none.

    Raises:
        ValueError: ``cfg`` trains or evaluates in a way that cannot be resumed or compared.
    """
    _check_training(cfg)
    _check_evaluation(cfg)
    shared, changes = read_config(SHARED), _Changes(cfg)
    # The hooks, by the classes that the config already has.
    hooks = list(cfg.get('custom_hooks') or [])
    present = [class_of(hook) for hook in hooks]
    lacking = [hook for hook in shared.transfer_hooks if class_of(hook) not in present]
    if lacking:
        cfg.custom_hooks = hooks + lacking
        changes.said += [f'custom_hooks: added {hook.type}' for hook in lacking]
    # Seeds.
    for name, value in shared.seeded_loading.items():
        changes.set(f'train_dataloader.{name}', value)
    changes.set_if_unset('randomness.seed', shared.randomness.seed)
    # AP with every digit, of the validation and of tests.
    for name in ('val_evaluator', 'test_evaluator'):
        for evaluator in _evaluators(cfg, name):
            if class_of(evaluator) == 'CocoMetric' and _metrics(evaluator) <= {*METRICS}:
                changes.set(f'{name}.type', shared.coco_metric.type, evaluator)
    # Checkpoints that are written whole, unless the config writes none.
    if section(cfg, 'default_hooks').get('checkpoint', {}) is not None:
        changes.set_if_unset('default_hooks.checkpoint.type', 'CheckpointHook')
        for name, value in shared.whole_checkpoints.items():
            put = changes.set if name == 'backend_args' else changes.set_if_unset
            put(f'default_hooks.checkpoint.{name}', value)
    # For other tools that build from the config of the run.
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else imports
    lacking = [name for name in shared.custom_imports.imports if name not in imports]
    if lacking:
        changes.set('custom_imports.imports', [*imports, *lacking])
    return changes.said


def transfer_hooks() -> list[str]:
    """Return the names of the classes of the hooks that every transfer run has."""
    return [class_of(hook) for hook in read_config(SHARED).transfer_hooks]


class _Changes:
    """Changes settings of a config, and keeps a line about each one that was another."""

    def __init__(self, cfg: Config):
        self.cfg, self.said = cfg, list[str]()

    def set(self, name: str, value: Any, where: Any = None) -> None:
        """Set the setting of the dotted ``name``. Its last part is in ``where``, if given."""
        *path, key = name.split('.')
        if where is None:
            where = self.cfg
            for part in path:
                where = section(where, part)
        old = full_class_of(where) if key == 'type' else where.get(key)
        if old != value:
            where[key] = value
            was = '' if old in (None, '') else f' instead of {old!r}'
            self.said.append(f'{name}: {value!r}{was}')

    def set_if_unset(self, name: str, value: Any) -> None:
        """Set the setting of the dotted ``name`` unless the config has one."""
        where: Any = self.cfg
        for part in name.split('.'):
            where = where.get(part) if isinstance(where, Mapping | Config) else None
        if where is None:
            self.set(name, value)


def _check_training(cfg: Config) -> None:
    loop = cfg.get('train_cfg') or {}
    found = class_of(loop) or ('EpochBasedTrainLoop' if loop.get('by_epoch', True) else
                               'IterBasedTrainLoop')
    if found not in EPOCH_LOOPS or 'max_epochs' not in loop:
        raise ValueError(
            f'--backbone: train_cfg: {found} is not supported, since runs are resumed and compared '
            'by epochs; inherit from the config, with train_cfg=dict(_delete_=True, max_epochs=N), '
            'a DefaultSampler and schedules by epoch')
    sampler = class_of((cfg.get('train_dataloader') or {}).get('sampler') or {})
    if sampler in ENDLESS:
        raise ValueError(f'--backbone: train_dataloader.sampler: {sampler} is not supported, since '
                         "it never ends an epoch; use dict(type='DefaultSampler', shuffle=True)")


def _check_evaluation(cfg: Config) -> None:
    # Without a validation, tools/test.py evaluates the last checkpoint.
    for evaluator in _evaluators(cfg, 'val_evaluator')[:1]:
        found = class_of(evaluator)
        if found not in EVALUATORS:
            raise ValueError(f'--backbone: val_evaluator: {found} is not supported, since '
                             f'tools/compare.py reads {" and ".join(EVALUATORS)}; put one of them '
                             'first in val_evaluator, in a config that inherits from this one')
        metrics = _metrics(evaluator)
        if found == 'CocoMetric' and not {'bbox'} <= metrics <= {*METRICS}:
            raise ValueError("--backbone: val_evaluator.metric: expected 'bbox' or ['bbox', "
                             f"'segm'], since boxes are compared, got {evaluator['metric']!r}")


def _evaluators(cfg: Config, name: str) -> list[Any]:
    found = cfg.get(name) or []
    return found if isinstance(found, list) else [found]


def _metrics(evaluator: Any) -> set[str]:
    found = evaluator.get('metric', 'bbox')
    return {found} if isinstance(found, str) else set(found)
