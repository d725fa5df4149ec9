"""The name of a pretraining, by its config: what was trained, and with which settings."""
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..openmmlab.config_parts import datasets_inside, dict_in, type_in
from .comparable import comparable

BASELINE = 'baseline'
SUPERVISED = ('imageclassifier', 'timmclassifier', 'huggingfaceclassifier')
# The packages whose classes keep their names here. Those of others have their package in front.
OURS, MMPRETRAIN = 'mmresizemix', ('', 'mmpretrain')
WELL_KNOWN = (OURS, *MMPRETRAIN, 'mmcv', 'torchvision')
STARTED_FROM = 'started_from'  # in the config of a resumed run: its ``load_from`` before that
# The settings that name a file of weights, apart from ``load_from``.
WEIGHTS = ('checkpoint', 'pretrained', 'checkpoint_path')
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
ORDINARY = {
    'loadimagefromfile', 'loadpicture', 'loadannotations', 'loadrandomresizedcrop', 'packinputs',
    'packmultitaskinputs', 'collect', 'resize', 'resizeedge', 'centercrop', 'randomcrop',
    'randomresizedcrop', 'maerandomresizedcrop', 'efficientnetrandomcrop',
    'efficientnetcentercrop', 'randomflip', 'randomhorizontalflip', 'pad', 'normalize',
    'numpytopil', 'topil', 'topilimage', 'piltonumpy', 'tonumpy', 'totensor', 'piltotensor',
    'imagetotensor', 'convertimagedtype'}


def method_of(config: Mapping[str, Any]) -> str | None:
    """Return the name of the pretraining that ``config`` describes, e.g. 'baseline',
    'resizemix-persample', 'cutmix(prob=0.5)', 'cutmix+randaugment', 'moco' or 'mmdet-fasterrcnn'.

    The batch augments, their settings and probabilities, and the steps of the pipeline that are not
    in every pipeline make the name of a classifier. An algorithm of another kind, e.g. one that
    learns without labels, is named by its type. A training that did not start from random weights
    names their file, e.g. 'baseline+from(epoch_300.pth)'.

    Args:
        config: a resolved config of MMPretrain or MMDetection.

    Returns:
        The name, or None if the config does not say it: it has no model, it cannot be read, its
        data sets have unlike pipelines, or a hook changes the method during training.
    """
    try:
        model = dict_in(config, 'model')
        name, files = _trained(config, model), _weights(config, model)
        if not name or not all(files):
            return None
        return '+'.join([name, *(f'from({file})' for file in files)])
    except (RecursionError, ValueError):  # nested too deeply, or a number that has too many digits
        return None


def settings_of(config: Mapping[str, Any]) -> str | None:
    """Return a digest of the settings that decide the result of a pretraining, apart from its seed:
    the model, the data, the schedule, the method, and the names of the files it starts from. None
    if there is no model, or if it cannot be read.

    Two pretrainings of one name and unlike settings have unlike digests.
    """
    model = dict_in(config, 'model')
    if not model:
        return None
    # comparable() leaves out the initial weights, by which detectors are compared.
    whole = {**config, 'init_cfg': dict_in(model, 'backbone').get('init_cfg')}
    try:
        found = comparable(whole, more=('data_preprocessor', 'init_cfg'))
        kept = {k: _file(v) if k.rpartition('.')[2] in WEIGHTS else v
                for k, v in found.items() if not k.startswith(('val_', 'test_'))}
        return _digest({**kept, 'load_from': _file(_load_from(config))})[:12]
    except (RecursionError, ValueError):
        return None


def _trained(config: Mapping[str, Any], model: Mapping[str, Any]) -> str | None:
    """Return the name of a pretraining without where it starts from, or None."""
    name, scope = _name(model), config.get('default_scope') or 'mmpretrain'
    if not name or not isinstance(scope, str):
        return None
    if scope != 'mmpretrain':
        return f'{scope}-{_short(model)}'.lower()
    if name not in SUPERVISED:
        return name
    if any(_short(hook) == 'SwitchRecipeHook' for hook in _list(config.get('custom_hooks'))):
        return None
    augments = _augments_of(config, model)
    mixing = None if augments is None else _mixing(*augments)
    # A config that does not say what is trained on proves nothing about how it is changed.
    dataset = dict_in(dict_in(config, 'train_dataloader'), 'dataset')
    steps = _steps_of(dataset) if dataset else None
    if mixing is None or steps is None:
        return None
    head = dict_in(model, 'head')
    if _name(head) == 'recursivemixhead':
        steps.insert(0, _with('consistency', {
            k: head[k] for k in ('omega', 'share_fc') if k in head}))
    return '+'.join([*([mixing] if mixing != BASELINE or not steps else []), *steps])


def _weights(config: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """Return the names of the files that the weights start from, '' for one that is not named."""
    found = [_load_from(config)]
    for part in (model, *(dict_in(model, name) for name in ('backbone', 'neck', 'head'))):
        inits = part.get('init_cfg')
        found += [init.get('checkpoint') or '' for init in (_list(inits) or [inits])
                  if _short(init) in ('Pretrained', 'PretrainedInit')]
        # timm and Hugging Face have weights of their own for each name of a model.
        found += [part.get('model_name') or '' if part[name] is True else part[name]
                  for name in WEIGHTS if part.get(name)]
    return [_file(file) if isinstance(file, str) else '' for file in found if file is not None]


def _load_from(config: Mapping[str, Any]) -> Any:
    # A resumed run loads its own checkpoint.
    return config.get(STARTED_FROM if config.get('resume') else 'load_from') or None


def _file(value: Any) -> Any:
    return PurePath(value).name if isinstance(value, str) else value


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
    if probs is not None and (not isinstance(probs, (list, tuple)) or len(probs) != len(augments)
                              or not all(isinstance(p, (int, float)) and 0 <= p <= 1
                                         for p in probs)):
        return None
    return list(augments), probs


def _mixing(augments: list[Mapping], probs: Sequence[float] | None) -> str | None:
    """Return the name of a choice between ``augments``. Without ``probs`` all have the same
    chance."""
    if probs is not None:
        augments = [a for a, p in zip(augments, probs) if p]
    found = [_augment(a) for a in augments]
    names = [name for name in found if name is not None]
    if len(names) < len(found):
        return None
    if probs is not None:
        names = [name if p == 1 or name == BASELINE else f'{name}({p:g} of batches)'
                 for name, p in zip(names, filter(None, probs))]
    return BASELINE if set(names) <= {BASELINE} else '+'.join(names)


def _augment(augment: Mapping[str, Any], scope: str = '') -> str | None:
    """Return the name of a batch augment, or None if it cannot be read.

    Args:
        scope: the package of an augment that names none.
    """
    kind, package = _short(augment).lower(), _package(augment) or scope
    ours = package == OURS
    if not kind:
        return None
    if augment.get('prob') == 0:
        return BASELINE
    if kind == 'mixthenaugment' and ours:
        inner, steps = augment.get('mix'), _steps(augment.get('transforms'))
        mixing = _augment(inner, OURS) if isinstance(inner, Mapping) else None
        if mixing is None or steps is None:
            return None
        return '+'.join([mixing, *(f'{step} of the mix' for step in steps)])
    name = kind
    if ours:
        # The plain name means one draw per batch, as the methods were published and released.
        name = kind if augment.get('per', 'sample') == 'batch' else f'{kind}-persample'
    elif package not in MMPRETRAIN:
        name = f'{package}-{kind}'.lower()
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


def _steps_of(dataset: Any) -> list[str] | None:
    """Return the names of the steps that are a part of the method, also of the data sets inside.
    None if these have unlike ones, or if they cannot be read."""
    if not isinstance(dataset, Mapping):
        return None
    inside = [_steps_of(one) for one in datasets_inside(dataset)] or [[]]
    own = _steps(dataset.get('pipeline') or [])
    if own is None or inside[0] is None or any(one != inside[0] for one in inside):
        return None
    return inside[0] + own


def _steps(steps: Any) -> list[str] | None:
    names = [_step(step) for step in steps] if isinstance(steps, (list, tuple)) else [None]
    return None if None in names else [name for name in names if name]


def _step(step: Any) -> str | None:
    """Return the name of a step that is a part of the method, '' for an ordinary one, or None for
    one that cannot be read."""
    kind = _name(step)
    if not kind or kind in ORDINARY:
        return '' if kind else None
    if kind == 'searchedpolicy':
        name = step.get('name')
        return name if name and isinstance(name, str) else _digest(step.get('policy'))[:6]
    return _with(kind, {k: v for k, v in step.items() if k not in ASIDE})


def _with(name: str, settings: Mapping[str, Any]) -> str:
    """Return the name with its settings, e.g. 'cutmix(alpha=0.2)'. Long values become a digest."""
    texts = []
    for key, value in sorted(settings.items(), key=lambda item: str(item[0])):
        text = _plain(value)
        texts.append(f'{key}={text if len(text) <= 24 else _digest(value)[:6]}')
    return f'{name}({", ".join(texts)})' if texts else name


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _json(value).replace('"', '')


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(_same(value), sort_keys=True)


def _same(value: Any) -> Any:
    """Return a value of JSON that is the same for equal settings: 1 and 1.0, (1, 2) and [1, 2]."""
    if isinstance(value, Mapping):
        return {k if isinstance(k, str) else str(_same(k)): _same(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_same(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_json, value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _name(settings: Any) -> str:
    """Return the name of a type in lower case, with its package in front if that is not
    well-known."""
    package, kind = _package(settings), _short(settings).lower()
    return kind if package in WELL_KNOWN or not kind else f'{package}-{kind}'.lower()


def _package(settings: Any) -> str:
    kind = type_in(settings).replace('/', '.')
    return kind.partition('.')[0] if '.' in kind else ''


def _short(settings: Any) -> str:
    """Return a type without the name of its package: 'mmresizemix.ResizeMix' and
    'torchvision/RandAugment' too."""
    return type_in(settings).rpartition('.')[2].rpartition('/')[2]


def _list(value: Any) -> list:
    return list(value) if isinstance(value, (list, tuple)) else []
