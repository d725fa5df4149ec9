"""The data sets of a config: building them without their pipelines, and looking inside those that
hold others."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from .config_parts import leaf_settings

if TYPE_CHECKING:  # it imports PyTorch, which reading a plan does without
    from mmengine.dataset import BaseDataset

_EMPTY = 'need at least one array to concatenate'  # MMEngine, when it packs a list of no samples
_FOLDERS = 'number of subfolders'  # MMPretrain, when class names and class folders differ


class DataError(ValueError):
    """Raised if a data set is empty or cannot be read. The message says which set or file."""


def leaves(dataset: Any) -> Iterator[Any]:
    """Yield the data sets that read files, inside of repeated, joined and mixed ones."""
    inside = getattr(dataset, 'datasets', None) or (
        [dataset.dataset] if hasattr(dataset, 'dataset') else None)
    if inside is None:
        yield dataset
        return
    for one in inside:
        yield from leaves(one)


def build_sets(cfg: Config, loader: str) -> list[BaseDataset]:
    """Build the data sets that ``loader`` of a config reads, without their pipelines.

    Raises:
        DataError: nothing is left of one of them.
    """
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    settings = _without_pipelines(cfg[loader].dataset)
    try:
        found = list(leaves(DATASETS.build(settings)))
        for dataset in found:
            dataset.full_init()
    except ValueError as error:
        if _EMPTY not in str(error):
            raise
        found = []
    if not any(map(len, found)):
        raise DataError(f'{loader}: no picture is left: {_where(settings)}. Check the paths, '
                        'the class names (metainfo.classes) and filter_cfg')
    return found


def require_objects(found: Sequence[BaseDataset], what: str) -> None:
    """Check that any picture of the data sets of a detector has an object of a class.

    Raises:
        DataError: no picture has one, or all are ignored. The error begins with ``what``.
    """
    pictures = 0
    for dataset in found:
        for i in range(len(dataset)):
            # A set of a classifier has no 'instances'.
            boxes = dataset.get_data_info(i).get('instances', [{}])
            if any(not box.get('ignore_flag') for box in boxes):
                return
            pictures += 1
    if pictures:
        classes = ', '.join((found[0].metainfo.get('classes') or ())[:3])
        raise DataError(f'{what}: none of {pictures} pictures has a box of a class ({classes}, '
                        '...). Check the class names (metainfo.classes) and the annotations')


def require_masks(found: Sequence[BaseDataset], what: str) -> None:
    """Check that every object has a mask, if the pipelines of the data sets read masks.

    Raises:
        DataError: an object has none. The error begins with ``what``.
    """
    for dataset in found:
        steps = getattr(dataset.pipeline, 'transforms', [])
        if not any(getattr(step, 'with_mask', False) for step in steps):
            continue
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            if not all('mask' in one for one in info.get('instances', [])):
                raise DataError(f'{what}: {info["img_path"]} has an object without a mask '
                                "('segmentation' in the annotations), and this detector learns "
                                'masks; add them, or train a detector of boxes')


@contextmanager
def empty_sets_named(cfg: Config, loaders: Iterable[str]) -> Iterator[None]:
    """Let an empty data set of ``cfg`` be named, where MMEngine only says that it has nothing to
    concatenate. Class names that are not as many as the class folders are an error of the data,
    too.

    Raises:
        DataError: nothing is left of the data set of one of the ``loaders``, or its names are not
            as many as its folders.
    """
    try:
        yield
    except ValueError as error:
        if _EMPTY in str(error):
            for loader in loaders:
                if cfg.get(loader):
                    build_sets(cfg, loader)
        raise
    except AssertionError as error:
        if _FOLDERS in str(error):
            raise DataError(f'class names: {error}') from None
        raise


def _where(settings: Any) -> str:
    """Return what the config says about the files and classes of the first set that it holds."""
    settings = next(leaf_settings(settings))
    said = {name: settings.get(name) for name in ('data_root', 'ann_file', 'data_prefix')}
    said['classes'] = (settings.get('metainfo') or {}).get('classes')
    return ', '.join(f'{name}={value!r}' for name, value in said.items() if value)


def _without_pipelines(found: Any) -> Any:
    """Return the settings of data sets without their pipelines."""
    if isinstance(found, dict):
        return type(found)({k: [] if k == 'pipeline' else _without_pipelines(v)
                            for k, v in found.items()})
    return [_without_pipelines(v) for v in found] if isinstance(found, (list, tuple)) else found
