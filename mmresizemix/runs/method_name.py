"""The name of a pretraining, by its config: what was trained, and with which settings."""
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .comparable import comparable

BASELINE = 'baseline'
SUPERVISED = ('ImageClassifier', 'TimmClassifier', 'HuggingFaceClassifier')
# Settings that do not change what a batch augment does in the mean.
ASIDE = ('type', '_scope_', 'inplace', 'seed', 'num_classes')
# A method has its plain name with these settings. Others are named behind it.
PLAIN: dict[str, dict[str, Any]] = {
    'resizemix': dict(scale_range=(0.1, 0.8), placement='shifted', interpolation='nearest',
                      antialias=False),
    'resizemix-persample': dict(scale_range=(0.1, 0.8), placement='shifted',
                                interpolation='bilinear', antialias=False),
    'cutmix': dict(alpha=1.0, cutmix_minmax=None, correct_lam=True),
    'mixup': dict(alpha=1.0),
    'fmix': dict(alpha=1.0, decay_power=3.0),
    'saliencymix': dict(alpha=1.0, saliency=dict(type='FineGrained')),
    'puzzlemix': dict(alpha=1.0, blocks=(2, 4, 8, 16), levels=2, beta=1.2, gamma=0.5, eta=0.2,
                      xi=0.8, move_blocks=8, saliency=dict(type='InputGradient'), pixel_std=None),
    'recursivemix': dict(alpha=0.5, placement='clipped', interpolation='nearest'),
    'recursivemix-persample': dict(alpha=0.5, placement='uniform', interpolation='bilinear'),
    'patchmix': dict(scale_range=(0.1, 0.8), saliency=dict(type='GradCAM'),
                     interpolation='bilinear'),
    'mmpretrain-resizemix': dict(alpha=1.0, lam_min=0.1, lam_max=0.8, interpolation='bilinear',
                                 cutmix_minmax=None, correct_lam=True),
}
# Steps that every pipeline has in some form. What else a pipeline does is a part of the method.
ORDINARY = ('load', 'pack', 'collect', 'resize', 'centercrop', 'randomresizedcrop', 'randomcrop',
            'efficientnet', 'randomflip', 'randomhorizontalflip', 'pad', 'normalize', 'numpytopil',
            'piltonumpy', 'topil', 'totensor', 'piltotensor', 'imagetotensor', 'convertimagedtype')


def method_of(config: Mapping[str, Any]) -> str | None:
    """Return the name of the pretraining that ``config`` describes, e.g. 'baseline',
    'resizemix-persample', 'cutmix(prob=0.5)', 'cutmix+randaugment', 'moco' or 'mmdet-fasterrcnn'.

    The batch augments, their settings and probabilities, and the steps of the pipeline that are not
    in every pipeline make the name of a classifier. An algorithm of another kind, e.g. one that
    learns without labels, is named by its type.

    Args:
        config: a resolved config of MMPretrain or MMDetection.

    Returns:
        The name, or None if the config does not say it: it has no model, it cannot be read, or a
        hook changes the method during training.
    """
    model = _dict(config, 'model')
    kind = _short(model)
    if not kind:
        return None
    if config.get('default_scope', 'mmpretrain') != 'mmpretrain':
        return f'{config["default_scope"]}-{kind}'.lower()
    if kind not in SUPERVISED:
        return kind.lower()
    if any(_short(hook) == 'SwitchRecipeHook' for hook in _list(config.get('custom_hooks'))):
        return None
    augments = _augments_of(config, model)
    mixing = None if augments is None else _mixing(*augments)
    if mixing is None:
        return None
    steps = [name for step in _training_steps(config) if (name := _step(step))]
    head = _dict(model, 'head')
    if _short(head) == 'RecursiveMixHead':
        steps.insert(0, _with('consistency', {
            k: head[k] for k in ('omega', 'share_fc') if k in head}))
    return '+'.join([*([mixing] if mixing != BASELINE or not steps else []), *steps])


def settings_of(config: Mapping[str, Any]) -> str | None:
    """Return a digest of the settings that decide the result of a pretraining, apart from its seed:
    the model, the data, the schedule and the method. None if there is no model.

    Two pretrainings of one name and unlike settings have unlike digests.
    """
    if not _dict(config, 'model'):
        return None
    found = comparable(config, more=('data_preprocessor', ))
    return _digest({k: v for k, v in found.items() if not k.startswith(('val_', 'test_'))})[:12]


def _augments_of(config: Mapping[str, Any],
                 model: Mapping[str, Any]) -> tuple[list, Sequence | None] | None:
    """Return (the batch augments, their probabilities), or None if they cannot be read."""
    # MMPretrain takes those of the preprocessor, and without them those of train_cfg.
    preprocessor = model.get('data_preprocessor') or config.get('data_preprocessor') or {}
    where = model.get('train_cfg')
    if isinstance(preprocessor, Mapping) and 'batch_augments' in preprocessor:
        where = preprocessor['batch_augments']
    if where is None:
        return [], None
    if not isinstance(where, Mapping):
        return None
    augments, probs = where.get('augments'), where.get('probs')
    augments = [augments] if isinstance(augments, Mapping) else augments or []
    if not isinstance(augments, (list, tuple)) or not all(
            isinstance(a, Mapping) and _short(a) for a in augments):
        return None
    probs = [probs] if isinstance(probs, (int, float)) else probs
    if probs is not None and (len(probs) != len(augments) or not all(
            isinstance(p, (int, float)) for p in probs)):
        return None
    return list(augments), probs


def _mixing(augments: list[Mapping], probs: Sequence[float] | None) -> str | None:
    """Return the name of a choice between ``augments``. Without ``probs`` all have the same
    chance."""
    found = [BASELINE if a.get('prob') == 0 else _augment(a) for a in augments]
    names = [name for name in found if name is not None]
    if len(names) < len(found):
        return None
    if probs is not None and augments:
        names = [name if len(names) == 1 and p == 1 else f'{name}({p:g} of batches)'
                 for name, p in zip(names, probs) if p > 0]
        return '+'.join(names) or BASELINE
    return BASELINE if set(names) <= {BASELINE} else '+'.join(names)


def _augment(augment: Mapping[str, Any]) -> str | None:
    kind, ours = _short(augment).lower(), augment['type'].startswith('mmresizemix.')
    if kind == 'mixthenaugment' and ours:
        inner, steps = augment.get('mix'), _list(augment.get('transforms'))
        if not isinstance(inner, Mapping) or not all(isinstance(s, Mapping) for s in steps):
            return None
        return '+'.join([_augment(inner) or '?', *(f'{_step(s)} of the mix' for s in steps)])
    name = kind
    if ours:
        # The plain name means one draw per batch, as the methods were published and released.
        name = kind if augment.get('per', 'sample') == 'batch' else f'{kind}-persample'
    elif kind == 'resizemix':  # MMPretrain's is another method
        name = f'mmpretrain-{kind}'
    settings = {k: v for k, v in augment.items() if k not in (*ASIDE, 'per' if ours else '')}
    if 'prob' in settings and settings['prob'] == 1:
        settings.pop('prob')
    plain = PLAIN.get(name) or PLAIN.get(name.removesuffix('-persample'), {})
    if ours:
        # What a config leaves out has the default of the class, which is the plain value
        # per sample.
        settings = {**_defaults(kind, name), **settings}
    return _with(name, {k: v for k, v in settings.items()
                        if k not in plain or _plain(v) != _plain(plain[k])})


def _defaults(kind: str, name: str) -> dict[str, Any]:
    return PLAIN.get(f'{kind}-persample', {}) if name == kind else {}


def _training_steps(config: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    dataset = _dict(_dict(config, 'train_dataloader'), 'dataset')
    while isinstance(dataset.get('dataset'), Mapping):
        dataset = dict(dataset['dataset'])
    return [step for step in _list(dataset.get('pipeline')) if isinstance(step, Mapping)]


def _step(step: Mapping[str, Any]) -> str | None:
    """Return the name of a step that is a part of the method, or None for an ordinary one."""
    kind = _short(step).lower()
    if kind.startswith(ORDINARY):
        return None
    if kind == 'searchedpolicy':
        return str(step.get('name') or _digest(step.get('policy'))[:6])
    return _with(kind, {k: v for k, v in step.items() if k not in ASIDE})


def _with(name: str, settings: Mapping[str, Any]) -> str:
    """Return the name with its settings, e.g. 'cutmix(alpha=0.2)'. Long values become a digest."""
    texts = []
    for key, value in sorted(settings.items()):
        text = _plain(value)
        texts.append(f'{key}={text if len(text) <= 24 else _digest(value)[:6]}')
    return f'{name}({", ".join(texts)})' if texts else name


def _plain(value: Any) -> str:
    value = list(value) if isinstance(value, tuple) else value
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str).replace('"', '')


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _short(settings: Any) -> str:
    """Return a type without the name of its package: 'mmresizemix.ResizeMix' and
    'torchvision/RandAugment' too."""
    kind = settings.get('type') if isinstance(settings, Mapping) else None
    return kind.rpartition('.')[2].rpartition('/')[2] if isinstance(kind, str) else ''


def _list(value: Any) -> list:
    return list(value) if isinstance(value, (list, tuple)) else []


def _dict(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return dict(found) if isinstance(found, Mapping) else {}
