"""A hook that refuses to train or to evaluate a model if a label has two names.

Labels are numbers. MMPretrain counts the class folders that a set has. MMDetection numbers the
labels of a COCO set in the order of its annotation file, whatever the order of the config's class
names is, and leaves out names that the file lacks. Two sets, or a set and the config, may so give
one number to two classes, and the metric is then that of a mixture.
"""
import json
import sys
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from mmengine.fileio import get_local_path
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from ..openmmlab.data_sets import leaves, require_masks, require_objects
from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS

# Parts of MMDetection's models whose classes are not those of the data: objects as such, and stuff.
OTHER_CLASSES = ('rpn_head', 'semantic_head', 'panoptic_head')


class ClassNamesError(ValueError):
    """Raised if a label has two names. The message says which label, and where the names are."""


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Compare the class names of the config with those of the annotations, those of the training
    set with those of the evaluation set, and their number with that of the model, before the first
    step.

    Raises:
        ClassNamesError: a label has two names, the annotations lack a class of the config, the
            model has another number of classes, a hidden folder counts as a class, or the
            evaluation would print VOC's names for other classes.
        DataError: no picture of the training set has an object, or an object lacks the mask that
            its pipeline reads.
    """
    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Compare the names of all sets of which ``runner`` makes use."""
        loops = (runner._train_loop, runner._val_loop, runner._test_loop)
        datasets = [loop.dataloader.dataset for loop in loops if isinstance(loop, BaseLoop)]
        for dataset in datasets:
            for leaf in leaves(dataset):
                _check_folders(leaf)
                _check_annotations(leaf)
        if isinstance(runner._train_loop, BaseLoop):
            training = _readable(datasets[0])
            require_objects(training, 'the training set')
            require_masks(training, 'the training set')
            absent = _absent(training)
            if absent:
                runner.logger.warning(
                    f'class names: no object of the training set is called {" or ".join(absent)}. '
                    'If other names were meant, give them in metainfo.classes or with --classes')
        first = names_in(datasets[0]) if datasets else []
        for loop in (runner._val_loop, runner._test_loop):
            if isinstance(loop, BaseLoop):
                _check_table(loop)
        for other in datasets[1:]:
            require_masks(_readable(other), 'the evaluation set')
            folders = [one.img_prefix for dataset in (datasets[0], other)
                       for one in leaves(dataset) if getattr(one, 'folder_to_idx', None)]
            remedy = (f'Give {" and ".join(dict.fromkeys(folders))} a folder for each class'
                      if folders else 'Give both the same metainfo.classes')
            _check_equal(first, names_in(other), 'the training set', 'the evaluation set', remedy)
        if first:
            _check_numbers(unwrapped(runner.model), first)


def names_in(dataset: Any) -> list[str]:
    """Return the class names of a data set in the order of their labels, [] if it has none."""
    return list((getattr(dataset, 'metainfo', None) or {}).get('classes') or ())


def _readable(dataset: Any) -> list[Any]:
    """Return the data sets inside of one whose entries can be read without their pictures."""
    return [one for one in leaves(dataset) if hasattr(one, 'get_data_info')]


def _check_numbers(model: Any, names: Sequence[str]) -> None:
    """Compare the number of classes with that of every part of the model which has one."""
    # Detectors that are given words count the words of a sentence.
    for place, module in () if hasattr(model, 'language_model') else model.named_modules():
        parts = place.split('.')
        number = getattr(module, 'num_classes', None)
        # A backbone may have a classifier of its own, which is not used.
        if parts[0] == 'backbone' or not {*OTHER_CLASSES}.isdisjoint(parts):
            continue
        if isinstance(number, int) and 0 < number != len(names):
            shown = ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')
            raise ClassNamesError(f'class names: model.{place} has num_classes={number}, and the '
                                  f'data have {len(names)} ({shown}). Give the model that number, '
                                  'or the option --classes')


def _check_folders(dataset: Any) -> None:
    """Look at the class folders of a classifier's set."""
    folders = list(getattr(dataset, 'folder_to_idx', None) or ())
    hidden = [name for name in folders if name.startswith(('.', '__MACOSX'))]
    if hidden:
        raise ClassNamesError(f'class names: {dataset.img_prefix}: the folder {hidden[0]} counts '
                              'as a class; remove it')
    names = names_in(dataset)
    if names != folders and sorted(names) == sorted(folders):
        _check_equal(names, folders, 'metainfo.classes', f'the folders of {dataset.img_prefix}',
                     'Give the names in the order of the folders')


def _check_annotations(dataset: Any) -> None:
    # Sets that read their files in another way number the labels in another way.
    mmdet = sys.modules.get('mmdet.datasets')
    if mmdet is None or getattr(type(dataset), 'load_data_list', None) is not (
            mmdet.CocoDataset.load_data_list):
        return
    dataset.full_init()
    with get_local_path(dataset.ann_file, backend_args=dataset.backend_args) as path:
        name_of = {c['id']: c['name'] for c in read_categories(path)}
    _check_equal(names_in(dataset), [name_of[number] for number in dataset.cat_ids],
                 'metainfo.classes', str(dataset.ann_file),
                 'Give the classes of that file in its order: metainfo=dict(classes=...)')


def _absent(datasets: Sequence[Any]) -> list[str]:
    """Return the classes of which sets in VOC format have no object. Their annotations list no
    classes, and objects of other names are left out without a word."""
    mmdet = sys.modules.get('mmdet.datasets')
    if mmdet is None or not datasets or not all(
            isinstance(one, mmdet.XMLDataset) for one in datasets):
        return []
    labels = {box['bbox_label'] for dataset in datasets for i in range(len(dataset))
              for box in dataset.get_data_info(i)['instances']}
    return [name for label, name in enumerate(names_in(datasets[0])) if label not in labels]


def _check_table(loop: Any) -> None:
    """Refuse an evaluation whose table would give VOC's names to other classes."""
    metainfo = getattr(loop.dataloader.dataset, 'metainfo', None) or {}
    # VOCDataset sets the year by the path of its files, and VOCMetric chooses the names by it.
    year, classes = metainfo.get('dataset_type'), tuple(metainfo.get('classes') or ())
    if year not in ('VOC2007', 'VOC2012') or not any(
            type(metric).__name__ == 'VOCMetric' for metric in loop.evaluator.metrics):
        return
    voc = sys.modules['mmdet.datasets'].VOCDataset.METAINFO['classes']
    if classes != voc[:len(classes)]:
        raise ClassNamesError(
            f"class names: the path of the evaluation set contains {year}, so MMDetection's "
            f"VOCMetric would call its classes {', '.join(voc[:3])}, ...; set type='XMLDataset' "
            'instead of VOCDataset')


def _check_equal(expected: Sequence[str], found: Sequence[str], here: str, there: str,
                 remedy: str) -> None:
    missing = [name for name in expected if name not in found]
    if missing:
        raise ClassNamesError(f'class names: {there} lacks {len(missing)} of the {len(expected)} '
                              f'classes of {here} ({", ".join(missing[:3])}'
                              f'{", ..." if len(missing) > 3 else ""}). {remedy}')
    for label, (one, other) in enumerate(zip(expected, found)):
        if one != other:
            raise ClassNamesError(f'class names: label {label} is {one!r} in {here}, and {other!r} '
                                  f'in {there}. {remedy}')
    if len(found) > len(expected):
        raise ClassNamesError(f'class names: {there} has {len(found)} classes, and {here} has '
                              f'{len(expected)}. {remedy}')


def read_categories(path: str | Path) -> list[dict[str, Any]]:
    """Return the categories of a COCO json. The file is not parsed as a whole if its categories can
    be told without that: COCO's own takes many seconds."""
    key = b'"categories"'
    with open(path, 'rb') as file, mmap(file.fileno(), 0, access=ACCESS_READ) as text:
        at = text.find(key)
        if text.find(key, at + 1) < 0:
            # A list of categories has no brackets inside in practice. If it has, all is parsed.
            begin = text.find(b'[', at)
            between, listed = text[at + len(key):begin], text[begin:text.find(b']', begin) + 1]
            try:
                found = json.loads(listed)
                if between.strip() == b':' and all('id' in c and 'name' in c for c in found):
                    return found
            except (ValueError, TypeError):
                pass
        return json.loads(text[:])['categories']
