"""A view of a split through MMDetection. Its own data sets are asked: they are built from the
files, and filtered as for training."""
from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .voc import VocSplit

# The filter of the training sets in MMDetection's own configs.
MIN_SIZE = 32
TRAINING_FILTER = dict(filter_empty_gt=True, min_size=MIN_SIZE)
LARGE = 50_000_000  # bytes of an annotation file that MMDetection takes several seconds to read
TOO_SMALL, NO_BOX = f'a side under {MIN_SIZE} pixels', 'no box of a class'


@dataclass
class MMDetView:
    """The pictures and objects of a split of which MMDetection makes use.

    Args:
        training: whether the set was filtered as for training.
        pictures: the number of pictures that are left.
        objects: the number of their boxes of a class that are not ignored.
        left_out: the other pictures, and why they are left out.
        stops: the files at which MMDetection stops reading, and why.
    """

    training: bool
    pictures: int = 0
    objects: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    stops: list[tuple[str, str]] = field(default_factory=list)


def begin_view_coco(annotations: Path, classes: Sequence[str],
                    training: bool) -> Callable[[], MMDetView | None]:
    """Begin :func:`view_coco`, and return a function that ends it. A large file is read by a
    process of its own meanwhile. If this process dies, the function returns None."""
    if annotations.stat().st_size < LARGE:
        return partial(view_coco, annotations, classes, training)
    pool = ProcessPoolExecutor(1, get_context('spawn'))
    begun = pool.submit(view_coco, annotations, classes, training)
    pool.shutdown(wait=False)

    def end() -> MMDetView | None:
        try:
            return begun.result()
        except BrokenProcessPool:
            return None

    return end


def view_coco(annotations: Path, classes: Sequence[str], training: bool) -> MMDetView | None:
    """Ask MMDetection's ``CocoDataset``.

    Args:
        annotations: the annotation file.
        classes: the class names of the config.
        training: whether the set is filtered as for training.

    Returns:
        What it makes of the split, or None if MMDetection cannot be imported.
    """
    return _ask('CocoDataset', lambda raw: raw['raw_img_info'].get('file_name'), classes, training,
                ann_file=str(annotations), data_prefix=dict(img=''))


def view_voc(root: Path, split: VocSplit, classes: Sequence[str],
             training: bool) -> MMDetView | None:
    """Ask MMDetection's ``XMLDataset`` for one list of pictures, as :func:`view_coco` does."""
    return _ask('XMLDataset', lambda raw: raw['xml_path'], classes, training,
                ann_file=str(split.list_path(root)),
                data_prefix=dict(sub_data_root=str(root / split.folder)))


def _ask(kind: str, file_of: Callable[[dict[str, Any]], Any], classes: Sequence[str],
         training: bool, **files: Any) -> MMDetView | None:
    """Let a data set of MMDetection read and filter its files.

    Args:
        file_of: returns the file that an entry is about, from what ``parse_data_info`` is given.
    """
    with redirect_stdout(io.StringIO()):  # it says what is missing, and that it builds an index
        try:
            from mmdet import datasets
        except Exception:  # a broken installation raises errors of many types
            return None
        view = MMDetView(training)

        class Watched(getattr(datasets, kind)):  # type: ignore[misc]

            def parse_data_info(self, raw: dict[str, Any]) -> dict[str, Any]:
                try:
                    return super().parse_data_info(raw)
                except Exception as error:
                    view.stops.append((str(file_of(raw)), _reason(error)))
                    return dict(img_id=None, img_path='', width=0, height=0, instances=[])

        try:
            dataset = Watched(metainfo=dict(classes=tuple(classes)), filter_cfg=TRAINING_FILTER,
                              pipeline=[], test_mode=not training, lazy_init=True, **files)
            read = dataset.data_list = dataset.load_data_list()
            kept = dataset.filter_data()
        except Exception as error:  # whatever stops it would stop a training
            view.stops.append((files['ann_file'], _reason(error)))
            return view
    view.pictures = len(kept)
    view.objects = sum(not box['ignore_flag'] for info in kept for box in info['instances'])
    if len(kept) < len(read):
        trained_on = {id(info) for info in kept}
        view.left_out = [(info['img_path'], _why(info)) for info in read
                         if id(info) not in trained_on and info['img_path']]
    return view


def _why(info: dict[str, Any]) -> str:
    small = min(info['width'], info['height']) < MIN_SIZE
    return f'{info["width"]}x{info["height"]}, {TOO_SMALL}' if small else NO_BOX


def _reason(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'.splitlines()[0]
