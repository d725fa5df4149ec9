"""The settings that the configs of two runs must share to be compared, and where they differ."""
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..contents import parts_in
from ..openmmlab.config_parts import type_in

# The sections that decide the result, apart from the seed. WEIGHTS is taken out of them again.
SECTIONS = ('model', 'train_dataloader', 'val_dataloader', 'val_evaluator', 'train_cfg',
            'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'custom_hooks')
# Our hooks that change no result by themselves.
OURS = {part.name for part in parts_in('HOOKS') if not part.changes_result}
EVALUATION_SET = 'evaluation set (digest)'  # of its content, added where that is known
WEIGHTS = 'model.backbone.init_cfg'
LOOP, BY_EPOCH = 'train_cfg.type', 'train_cfg.by_epoch'
EPOCH_LOOPS = ('EpochBasedTrainLoop', 'mmresizemix.ResumableEpochLoop')
FREEZING = ('model.backbone.frozen_stages', 'model.backbone.norm_eval',
            'model.backbone.norm_cfg.requires_grad')
PLACES = ('data_root', 'sub_data_root', 'ann_file')  # where a machine keeps the data
SPEED_ONLY = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor', 'timeout',
              'work_dir', 'backend_args', '_scope_', 'outfile_prefix', 'collect_device')
SEEDS = ('subset_seed', )  # drawn anew in each run, as its seed is


def comparable(config: Mapping[str, Any], gpus: int | None = None,
               more: Sequence[str] = ()) -> dict[str, Any]:
    """Flatten the settings of ``config`` that runs must share: {'train_cfg.max_epochs': 12, ...}.

    The initial weights of the backbone, the seed, settings that change only the speed, and the
    folders of the data are left out.

    Args:
        gpus: the number of GPUs, which runs must also share. None if unknown.
        more: names of further sections of the config, beside those of a detector.
    """
    flat: dict[str, Any] = {}
    for section in (*SECTIONS, *more):
        _flatten(section, config.get(section), flat)
    if gpus is not None:
        flat['GPUs'] = gpus
    # Both names of the epoch loop, and leaving ``by_epoch`` out, mean the same training.
    if flat.get(LOOP) in EPOCH_LOOPS:
        flat.pop(LOOP)
    if flat.get(BY_EPOCH) is True:
        flat.pop(BY_EPOCH)
    return {k: v for k, v in flat.items() if not k.startswith(WEIGHTS)}


def _flatten(name: str, value: Any, flat: dict[str, Any]) -> None:
    key = name.rpartition('.')[2]
    if key in SPEED_ONLY + SEEDS:
        return
    if isinstance(value, dict):
        if _is_ours(value):
            return
        for k, v in value.items():
            _flatten(f'{name}.{k}', v, flat)
    elif isinstance(value, (list, tuple)) and any(isinstance(v, dict) for v in value):
        # Our own hooks are removed before the rest is numbered: they would shift the numbers.
        kept = [v for v in value if not _is_ours(v)]
        for i, v in enumerate(kept):
            _flatten(f'{name}.{i}', v, flat)
    elif key in PLACES and isinstance(value, str):
        # The name of the folder or file tells data sets apart. Its place depends on the machine.
        flat[name] = PurePath(value.rstrip('/')).name
    else:
        flat[name] = list(value) if isinstance(value, tuple) else value


def _is_ours(value: Any) -> bool:
    return type_in(value).rpartition('.')[2] in OURS


def difference(a: Mapping[str, Any], b: Mapping[str, Any],
               either_from_scratch: bool = False) -> dict[str, tuple[Any, Any]]:
    """Return the value in ``a`` and in ``b`` of each setting that differs (None if not set).

    If one run starts from random weights, nothing of its backbone may be frozen. This does not
    count as a difference.
    """
    names = set(a) | set(b)
    if either_from_scratch:
        names -= set(FREEZING)
    return {k: (a.get(k), b.get(k)) for k in sorted(names) if a.get(k) != b.get(k)}
