"""The settings that the configs of two runs must share to be compared, and where they differ."""
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..contents import PARTS

# The sections that decide the result, apart from the seed. WEIGHTS is taken out of them again.
SECTIONS = ('model', 'train_dataloader', 'val_dataloader', 'val_evaluator', 'train_cfg',
            'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'custom_hooks')
# Our hooks that change no result by themselves.
OURS = {p.name for p in PARTS if p.registry == 'HOOKS' and not p.changes_result}
EVALUATION_SET = 'evaluation set (digest)'  # of its content, added where that is known
WEIGHTS = 'model.backbone.init_cfg'
TABLE_ROW = 'table_row'  # in a config: which row and column of a table the run is for
# The settings that make the method of a classifier. A row of a table may also read pictures in
# another way.
METHOD = ('model.train_cfg', 'model.head.loss.use_soft')
OF_A_ROW = (*METHOD, 'train_dataloader', 'val_dataloader.dataset.pipeline')
LOOP, BY_EPOCH = 'train_cfg.type', 'train_cfg.by_epoch'
EPOCH_LOOPS = ('EpochBasedTrainLoop', 'mmresizemix.ResumableEpochLoop')
FREEZING = ('model.backbone.frozen_stages', 'model.backbone.norm_eval')
PLACES = ('data_root', 'sub_data_root', 'ann_file')  # where a machine keeps the data
SPEED_ONLY = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor', 'timeout',
              'work_dir', 'backend_args', '_scope_', 'outfile_prefix', 'collect_device')


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
    if key in SPEED_ONLY:
        return
    if isinstance(value, dict):
        if str(value.get('type', '')).rpartition('.')[2] in OURS:
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
    return isinstance(value, dict) and str(value.get('type', '')).rpartition('.')[2] in OURS


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


def detector_name(config: Mapping[str, Any]) -> str:
    """Return the name that papers use: 'SSD300', 'Faster R-CNN', else the type in MMDetection."""
    model = _dict(config, 'model')
    kind = str(model.get('type', 'unknown'))
    head = str(_dict(model, 'bbox_head').get('type', ''))
    if (kind == 'SingleStageDetector' and head.endswith('SSDHead')) or kind == 'SSD':
        size = _dict(_dict(model, 'bbox_head'), 'anchor_generator').get('input_size', '')
        return f'SSD{size}'
    return {'FasterRCNN': 'Faster R-CNN'}.get(kind, kind)


def dataset_facts(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return (kind, name) of the evaluation set.

    The kind is 'COCO' or 'VOC', by how the set is evaluated. The name is that of its folder.
    """
    evaluator = config.get('val_evaluator') or config.get('test_evaluator') or {}
    evaluators = evaluator if isinstance(evaluator, list) else [evaluator]
    voc = any(str(e.get('type', '')).endswith('VOCMetric') for e in evaluators)
    dataset = _dict(_dict(config, 'val_dataloader'), 'dataset')
    root = str(dataset.get('data_root', '')).rstrip('/')
    return 'VOC' if voc else 'COCO', PurePath(root).name


def evaluator_of(config: Mapping[str, Any], which: str) -> dict[str, Any]:
    """Return the config of the evaluator, the first one if there are several.

    Args:
        which: 'val' or 'test'.
    """
    found = config.get(f'{which}_evaluator')
    found = found if isinstance(found, list) else [found]
    return next((e for e in found if isinstance(e, dict)), {})


def _dict(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def classifier_config(config: Mapping[str, Any], gpus: int | None = None) -> dict[str, Any]:
    """Return :func:`comparable` of a classifier, without the settings that make its method."""
    apart = OF_A_ROW if TABLE_ROW in config else METHOD
    return {k: v for k, v in comparable(config, gpus, more=('data_preprocessor', )).items()
            if not k.startswith(apart)}


def classifier_name(config: Mapping[str, Any]) -> str:
    """Return the name that papers use: 'WRN-28-10', 'ResNet-50', else the type in MMPretrain."""
    backbone = _dict(_dict(config, 'model'), 'backbone')
    kind, depth = str(backbone.get('type', 'unknown')).rpartition('.')[2], backbone.get('depth')
    if kind == 'WideResNet':
        return f'WRN-{depth}-{backbone.get("widen_factor")}'
    if kind == 'ShakeShake':
        return f'Shake-Shake {depth} 2x{backbone.get("base_channels")}d'
    return f'{kind}-{depth}' if depth else kind


STANDARD = dict(CIFAR10='CIFAR-10', CIFAR100='CIFAR-100', ImageNet='ImageNet')


def classified_set(config: Mapping[str, Any]) -> str:
    """Return the name of a standard set (a value of :data:`STANDARD`), else that of the folder."""
    dataset = _dict(_dict(config, 'val_dataloader'), 'dataset')
    name = STANDARD.get(str(dataset.get('type')))
    return name or f'{PurePath(str(dataset.get("data_root", "")).rstrip("/")).name}/'


def method_of(augments: dict | list | None) -> str | None:
    """Return the name of a pretraining by its batch augments, e.g. 'baseline' or 'resizemix'.

    Return None if ``augments`` are not configs of batch augments.
    """
    augments = [augments] if isinstance(augments, dict) else augments or []
    if not all(isinstance(a, dict) and isinstance(a.get('type'), str) for a in augments):
        return None
    names = [_method_of_one(a) for a in augments if a.get('prob') != 0]
    return '+'.join(names) or 'baseline'


def _method_of_one(augment: dict) -> str:
    name = augment['type'].rpartition('.')[2].lower()
    if not augment['type'].startswith('mmresizemix.'):  # mmpretrain's ResizeMix is another method
        return f'mmpretrain-{name}' if name == 'resizemix' else name
    # The plain name means one draw per batch, as the methods were published and released.
    return name if augment.get('per', 'sample') == 'batch' else f'{name}-persample'
