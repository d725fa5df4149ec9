"""What MMDetection makes of a split. Its own data sets are asked: they are built from the files,
and filtered as for training."""
from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .voc import VocSplit

# The filter of the training sets in MMDetection's own configs.
MIN_SIZE = 32
TRAINING_FILTER = dict(filter_empty_gt=True, min_size=MIN_SIZE)
LARGE = 50_000_000  # bytes, of which MMDetection reads some 10 MB per second
TOO_SMALL, NO_BOX = 'a side under 32 pixels', 'no box of a class'


@dataclass
class MMDetView:
    """What MMDetection makes of a split.

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


def installed() -> bool:
    """Whether MMDetection can be imported."""
    return find_spec('mmdet') is not None


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


def view_coco(annotations: Path, classes: Sequence[str], training: bool) -> MMDetView:
    """Ask MMDetection's ``CocoDataset``.

    Args:
        annotations: the annotation file.
        classes: the class names of the config.
        training: whether the set is filtered as for training.
    """
    with redirect_stdout(io.StringIO()):  # it says which optional packages are missing
        from mmdet.datasets import CocoDataset
    view = MMDetView(training)

    class Watched(CocoDataset):

        def parse_data_info(self, raw: dict[str, Any]) -> dict[str, Any]:
            try:
                return super().parse_data_info(raw)
            except Exception as error:
                view.stops.append((str(raw['raw_img_info'].get('file_name')), _reason(error)))
                return dict(img_id=raw['raw_img_info']['img_id'], img_path='', width=0, height=0,
                            instances=[])

    with redirect_stdout(io.StringIO()):  # it says that it builds an index
        _ask(Watched(ann_file=str(annotations), data_prefix=dict(img=''),
                     **_options(classes, training)), view)
    return view


def view_voc(root: Path, split: VocSplit, classes: Iterable[str], training: bool) -> MMDetView:
    """Ask MMDetection's ``XMLDataset`` for one list of pictures. The arguments are as for
    :func:`view_coco`."""
    with redirect_stdout(io.StringIO()):
        from mmdet.datasets import XMLDataset
    view = MMDetView(training)

    class Watched(XMLDataset):

        def parse_data_info(self, img_info: dict[str, Any]) -> dict[str, Any]:
            try:
                return super().parse_data_info(img_info)
            except Exception as error:
                view.stops.append((str(img_info['xml_path']), _reason(error)))
                return dict(img_id=img_info['img_id'], img_path='', width=0, height=0,
                            instances=[])

    _ask(Watched(ann_file=str(split.list_path(root)),
                 data_prefix=dict(sub_data_root=str(root / split.folder)),
                 **_options(tuple(classes), training)), view)
    return view


def _options(classes: Sequence[str], training: bool) -> dict[str, Any]:
    return dict(metainfo=dict(classes=tuple(classes)), pipeline=[], lazy_init=True,
                filter_cfg=TRAINING_FILTER, test_mode=not training)


def _ask(dataset: Any, view: MMDetView) -> None:
    """Let ``dataset`` read and filter its files, and enter what comes of it into ``view``."""
    try:
        read = dataset.data_list = dataset.load_data_list()
        kept = dataset.filter_data()
    except Exception as error:  # whatever stops it would stop a training
        view.stops.append((str(dataset.ann_file), _reason(error)))
        return
    view.pictures = len(kept)
    view.objects = sum(not box['ignore_flag'] for info in kept for box in info['instances'])
    if len(kept) < len(read):
        trained_on = {id(info) for info in kept}
        view.left_out = [(info['img_path'], _why(info)) for info in read
                         if id(info) not in trained_on and info['img_path']]


def _why(info: dict[str, Any]) -> str:
    small = min(info['width'], info['height']) < MIN_SIZE
    return f'{info["width"]}x{info["height"]}, {TOO_SMALL}' if small else NO_BOX


def _reason(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'.splitlines()[0]
