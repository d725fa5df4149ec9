"""The folder and the class names of a data set, changed at every place of a config that has them:
all sets, also those inside others, the evaluators, and the heads."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS

from ..openmmlab.config_parts import built_class, class_of, leaf_settings
from .sharing import LOADERS

EVALUATORS = ('val_evaluator', 'test_evaluator')
NUMBERED = ('model', 'data_preprocessor')  # the sections that have the number of classes


def set_data_root(cfg: Config, root: str) -> None:
    """Let the sets and evaluators of ``cfg`` read the same files below another folder.

    Every path of them that begins with the ``data_root`` that ``cfg`` has is changed.

    Raises:
        ValueError: the sets of ``cfg`` have no ``data_root``, or have several.
    """
    old = {leaf.get('data_root') or None for leaf in _sets(cfg)}
    if len(old) != 1 or None in old:
        shown = ', '.join(sorted(repr(one) if one else 'none' for one in old)) or 'no set'
        raise ValueError('--data-root: expected a config whose sets all have one data_root, got '
                         f'{shown}; give the paths of each set with --cfg-options')
    before, after = str(old.pop()).rstrip('/'), root.rstrip('/') or '/'

    def moved(path: Any) -> Any:
        if isinstance(path, str) and (path == before or path.startswith(f'{before}/')):
            return after + path[len(before):]
        return path

    for name in (*LOADERS, *EVALUATORS):
        if cfg.get(name) is not None:
            cfg[name] = _mapped(cfg[name], moved)


def set_classes(cfg: Config, names: Sequence[str]) -> None:
    """Let the sets and heads of ``cfg`` have the classes ``names``.

    Each ``num_classes`` of the model that is the old number of classes becomes the new one. Since
    ``VOCDataset`` gives the classes of some folders VOC's names, it becomes ``XMLDataset``.

    Raises:
        ValueError: a name is empty or given twice, or nothing in the model has the old number.
    """
    if not names or len(set(names)) < len(names) or not all(names):
        raise ValueError(f'--classes: expected names that differ, got {", ".join(names)!r}')
    # The sets of classifiers often name no classes, since their folders do. Heads have the number.
    sets = list(_sets(cfg))
    if not sets or not cfg.get('model'):
        raise ValueError('--classes: the config has no model or no set')
    old = (cfg.model.get('head') or {}).get('num_classes') or len(_classes_of(
        sets[0], cfg.get('default_scope')))
    for leaf in sets:
        kept = {k: v for k, v in (leaf.get('metainfo') or {}).items()
                if k not in ('classes', 'palette')}
        named_by_folders = class_of(leaf) == 'CustomDataset' and not leaf.get('ann_file')
        leaf['metainfo'] = kept if named_by_folders else dict(kept, classes=tuple(names))
        if class_of(leaf) == 'VOCDataset':
            leaf['type'] = 'XMLDataset'
    changed = 0
    for section in NUMBERED:
        for part in _dicts(cfg.get(section)):
            if part.get('num_classes') == old:
                part['num_classes'] = len(names)
                changed += 1
    if not changed:
        raise ValueError(f'--classes: nothing in the model has num_classes={old}, the number of '
                         'classes that the config had; give num_classes with --cfg-options')


def check_class_texts(cfg: Config) -> None:
    """Check that no set of ``cfg`` has one text as its class names.

    Raises:
        ValueError: a set has.
    """
    for leaf in _sets(cfg):
        names = (leaf.get('metainfo') or {}).get('classes')
        # MMEngine takes the name of a file for the names in it.
        if isinstance(names, str) and not Path(names).is_file():
            raise ValueError(f'metainfo.classes is the text {names!r}, of which each letter would '
                             f'be a class; write ({names!r}, ), with a comma')


def _sets(cfg: Config) -> Iterator[Any]:
    for name in LOADERS:
        if cfg.get(name) and cfg[name].get('dataset') is not None:
            yield from leaf_settings(cfg[name]['dataset'])


def _classes_of(leaf: Any, scope: str | None) -> Sequence[str]:
    named = (leaf.get('metainfo') or {}).get('classes')
    kind = built_class(leaf, DATASETS, scope)
    return named or getattr(kind, 'METAINFO', {}).get('classes') or ()


def _mapped(found: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of nested settings with ``change`` applied to what is neither dict nor list."""
    if isinstance(found, Mapping):
        return ConfigDict({key: _mapped(value, change) for key, value in found.items()})
    if isinstance(found, (list, tuple)):
        return type(found)(_mapped(value, change) for value in found)
    return change(found)


def _dicts(found: Any) -> Iterator[Any]:
    if isinstance(found, Mapping):
        yield found
    for one in (found.values() if isinstance(found, Mapping) else
                found if isinstance(found, (list, tuple)) else ()):
        yield from _dicts(one)
