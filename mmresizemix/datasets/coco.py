"""A check of folders in the layout of COCO. It says what each fault causes in MMDetection."""
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console.progress_bar import Progress
from ..console.text import shortened
from . import as_mmdet
from .as_mmdet import MMDetView
from .data_report import (
    BAD_PICTURE,
    BOX_OUTSIDE,
    COUNT,
    ERROR,
    LIKELY_LEAK,
    NO_PICTURE,
    UNKNOWN_CLASS,
    WARNING,
    Count,
    DataReport,
    Kind,
)
from .pictures import Picture, look_at
from .seen_pictures import SeenPictures

# The consequences are as MMDetection's datasets/coco.py has them.
NO_JSON = Kind('missing annotation file', ERROR, 'the split cannot be read')
BAD_JSON = Kind('unreadable annotation file', ERROR, 'the split cannot be read')
BAD_ENTRY = Kind('incomplete entry', ERROR,
                 'reading or evaluating the split stops there, or counts it wrongly')
NO_ISCROWD = Kind('no iscrowd', WARNING, "evaluating stops in MMDetection's own CocoMetric; "
                  'mmresizemix.CocoMetric takes it for 0')
ODD_ID = Kind('id below 1 or above 2^53', WARNING, "MMDetection's own CocoMetric may count the "
              'object as missed; mmresizemix.CocoMetric numbers the ids anew')
SAME_NAME = Kind('two categories of one name', ERROR, 'MMDetection gives each a label of its own, '
                 'so that the last classes get labels that the head does not have')
REPEATED_ID = Kind('repeated id', ERROR, 'MMDetection stops, or gives boxes to the wrong picture')
NO_CLASS = Kind('class missing in the file', ERROR, 'MMDetection numbers the classes of the file, '
                'so that labels and names no longer agree')
OTHER_ORDER = Kind('classes differ between the splits', ERROR,
                   'labels are numbered in the order of each file: the test scores wrong labels')
NAME_ORDER = Kind('classes in another order than asked for', ERROR, 'MMDetection numbers them in '
                  'the order of the file, so that results would get wrong names: give your config '
                  'that order')
STRAY = Kind('annotation without a picture', WARNING, 'MMDetection never sees it')
SKIPPED_BOX = Kind('empty, inverted or outside box', WARNING,
                   'MMDetection skips it in training, and its evaluation counts it as missed')
OTHER_SIZE = Kind('size in the json differs from the picture', WARNING,
                  'MMDetection uses the size in the json when it skips boxes; the boxes may belong '
                  'to another version of the picture')
MANY_BOXES = Kind('more than 100 boxes of a class in one picture', WARNING,
                  'COCO counts 100 detections per class and picture, so no detector can reach '
                  'an AP of 100')
NO_MASK = Kind('no mask', WARNING, 'other objects of the file have one: a detector that learns '
               'masks stops at this one')
REPEATED_FILE = Kind('file listed twice', WARNING, 'the picture counts twice')

LARGEST_ID = 2**53  # up to here a double holds every integer, and COCO's evaluation uses doubles
MOST_BOXES = 100
ROUNDING = 1.0  # pixels by which a box may pass the border before it is reported


@dataclass(frozen=True)
class CocoSplit:
    """One annotation file and the folder of its pictures, both relative to the root.

    ``images`` and ``objects`` are the published numbers, or None if unknown.
    """

    annotations: str
    pictures: str
    images: int | None = None
    objects: int | None = None

    @classmethod
    def parse(cls, text: str) -> 'CocoSplit':
        """Read a split from a text like 'annotations/train.json:images'.

        Raises:
            ValueError: the text has another form.
        """
        annotations, colon, pictures = text.rpartition(':')
        if not colon or not annotations:
            raise ValueError(f"split {text!r}: expected JSON:FOLDER, "
                             "as in 'annotations/train.json:images'")
        return cls(annotations, pictures)

    @property
    def title(self) -> str:
        """The name of the split in reports."""
        return Path(self.annotations).stem

    @property
    def is_trained_on(self) -> bool:
        """Whether the split is for training: no word of its name begins with 'val' or 'test'."""
        return not any(word.lower().startswith(('val', 'test'))
                       for word in re.findall('[A-Za-z]+', self.title))


COCO2017 = (
    CocoSplit('annotations/instances_train2017.json', 'train2017', 118287, 860001),
    CocoSplit('annotations/instances_val2017.json', 'val2017', 5000, 36781),
)


def check_coco(root: str | os.PathLike, splits: Iterable[CocoSplit] = COCO2017,
               classes: Iterable[str] | None = None, decode: bool = True,
               progress: Progress | None = None,
               seen: SeenPictures | None = None) -> DataReport:
    """Check the annotation files and pictures of a folder such as ``data/coco``.

    The report collects every fault, and none raises an error. If MMDetection is installed, it also
    says what MMDetection's data set leaves out of each split, and where it stops.

    Args:
        root: the folder.
        splits: the splits to check.
        classes: the classes of the config, in its order. If None, those that the files name.
        decode: decode each picture. If False, only its header is read.
        progress: called with (pictures read, pictures in all).
        seen: the pictures that an earlier check has decoded. They are not decoded again.
    """
    # Read the annotation files, then all pictures that they name. A picture in several splits is
    # read once.
    root, splits = Path(root), tuple(splits)
    report, wanted = DataReport(root, decoded=decode), None if classes is None else tuple(classes)
    contents = {split: _read(root / split.annotations, report) for split in splits}
    at = [_Split(root, split, content, report)
          for split, content in contents.items() if content is not None]
    views = {one: _begin_view(one, wanted) for one in at}
    files = [path for one in at for path in one.paths.values() if path.is_file()]
    pictures = (seen.look_at(files, progress) if seen and decode
                else look_at(files, decode, progress))
    # Check each split, then whether the splits agree.
    for one in at:
        _check_images(one, pictures)
        _check_categories(one, wanted)
        _check_annotations(one, wanted)
        _check_count(one, _view(one, views[one]))
    _check_same_classes(at, wanted)
    _check_leaks(at, pictures)
    return report


class _Split:
    """The complete entries of a split, and the paths of its pictures."""

    def __init__(self, root: Path, split: CocoSplit, content: dict, report: DataReport) -> None:
        self.split, self.report, self.json = split, report, root / split.annotations
        self.images = self._complete(content, 'images', ('id', 'file_name', 'width', 'height'))
        self.annotations = self._complete(
            content, 'annotations', ('id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd'))
        self.categories = self._complete(content, 'categories', ('id', 'name'))
        self.paths = {image['id']: root / split.pictures / image['file_name']
                      for image in self.images}

    def _complete(self, content: dict, key: str, needed: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the entries that have all values that they need, and report the others."""
        complete = []
        for entry in content[key]:
            lacking = [name for name in needed if not _has(entry, name)]
            if lacking:
                which = entry.get('id') if isinstance(entry, dict) else entry
                self.report.add(BAD_ENTRY, self.json,
                                f'{key}, id {shortened(which)}: no valid {", ".join(lacking)}')
            else:
                complete.append(entry)
        for number, times in Counter(entry['id'] for entry in complete).items():
            if times > 1:
                self.report.add(REPEATED_ID, self.json, f'{key}, id {number}, {times} times')
        return complete


def _has(entry: object, name: str) -> bool:
    """Whether an entry has a value of the right type for ``name``."""
    if not isinstance(entry, dict):
        return False
    value: Any = entry.get(name)
    if name in ('name', 'file_name'):
        return isinstance(value, str)
    if name in ('width', 'height'):
        return _is_number(value) and value > 0
    if name == 'bbox':
        return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))
    if name == 'iscrowd':
        return name not in entry or value in (0, 1)  # its absence is a fault of its own
    # An id is an integer: faster-coco-eval stops at others.
    return _is_number(value) if name == 'area' else type(value) is int


def _is_number(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _read(path: Path, report: DataReport) -> dict | None:
    try:
        # Bytes would be read in UTF-16 or with a byte order mark, too, but COCO's tools take text.
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        report.add(NO_JSON, path)
        return None
    except (OSError, ValueError, RecursionError) as error:
        report.add(BAD_JSON, path, shortened(error))
        return None
    keys = ('images', 'annotations', 'categories')
    lacking = [key for key in keys if not isinstance(content, dict)
               or not isinstance(content.get(key), list)]
    if lacking:
        report.add(BAD_JSON, path, f'no list of {", ".join(lacking)}')
        return None
    return content


def _check_images(at: _Split, pictures: dict[Path, Picture]) -> None:
    for name, times in Counter(image['file_name'] for image in at.images).items():
        if times > 1:
            at.report.add(REPEATED_FILE, at.json, f'{name}, {times} times')
    for image in at.images:
        path = at.paths[image['id']]
        picture, stated = pictures.get(path), (image['width'], image['height'])
        if picture is None:
            at.report.add(NO_PICTURE, path)
        elif picture.problem:
            at.report.add(BAD_PICTURE, path, picture.problem)
        elif picture.size and picture.size != stated:
            at.report.add(OTHER_SIZE, path, '{}x{} in the json, {}x{} in the file'.format(
                *stated, *picture.size))


def _check_categories(at: _Split, wanted: tuple[str, ...] | None) -> None:
    found = [category['name'] for category in at.categories]
    for name, times in Counter(found).items():
        if times > 1 and (wanted is None or name in wanted):
            at.report.add(SAME_NAME, at.json, f'{name!r}, {times} times')
    if wanted is None:
        return
    for name in wanted:
        if name not in found:
            at.report.add(NO_CLASS, at.json, repr(name))
    common = [name for name in dict.fromkeys(found) if name in wanted]
    if set(common) == set(wanted) and common != list(wanted):
        at.report.add(NAME_ORDER, at.json, ', '.join(common))


def _check_same_classes(splits: list[_Split], wanted: tuple[str, ...] | None) -> None:
    for split in splits[1:]:
        first, second = (
            [category['name'] for category in one.categories
             if wanted is None or category['name'] in wanted] for one in (splits[0], split))
        if first != second:
            split.report.add(OTHER_ORDER, split.json, f'{", ".join(second)}; in '
                             f'{splits[0].json.name} {", ".join(first)}')


def _check_annotations(at: _Split, wanted: tuple[str, ...] | None) -> None:
    images = {image['id']: image for image in at.images}
    names = {category['id']: category['name'] for category in at.categories}
    boxes: Counter[tuple[int, str]] = Counter()
    for entry in at.annotations:
        if not 1 <= entry['id'] <= LARGEST_ID or not 0 <= entry['image_id'] <= LARGEST_ID:
            at.report.add(ODD_ID, at.json, f'annotation {entry["id"]}, image {entry["image_id"]}')
        if 'iscrowd' not in entry:
            at.report.add(NO_ISCROWD, at.json, f'annotation {entry["id"]}')
        name = names.get(entry['category_id'])
        if name is None or (wanted is not None and name not in wanted):
            at.report.add(UNKNOWN_CLASS, at.json,
                          f'annotation {entry["id"]}: {name or entry["category_id"]!r}')
        elif entry['image_id'] not in images:
            at.report.add(STRAY, at.json, f'annotation {entry["id"]}, image {entry["image_id"]}')
        else:
            _check_box(at, entry, name, images[entry['image_id']])
            boxes[entry['image_id'], name] += not entry.get('iscrowd')
    with_mask = [bool(entry.get('segmentation')) for entry in at.annotations]
    if any(with_mask):
        for entry, has in zip(at.annotations, with_mask):
            if not has:
                at.report.add(NO_MASK, at.json, f'annotation {entry["id"]}')
    if not at.split.is_trained_on:
        for (image, name), count in boxes.items():
            if count > MOST_BOXES:
                at.report.add(MANY_BOXES, at.paths[image], f'{count} of {name}')


def _check_box(at: _Split, entry: dict, name: str, image: dict) -> None:
    # ``inside`` is the width and height of the part of the box that lies in the picture. The first
    # condition below is the one by which MMDetection skips boxes.
    (left, top, wide, high), (width, height) = entry['bbox'], (image['width'], image['height'])
    inside = (min(left + wide, width) - max(left, 0), min(top + high, height) - max(top, 0))
    detail = (f'{image["file_name"]}: annotation {entry["id"]}, {name}, x {left} y {top} '
              f'width {wide} height {high} in {width}x{height}')
    if min(inside) <= 0 or min(wide, high) < 1 or entry['area'] <= 0:
        at.report.add(SKIPPED_BOX, at.json, detail)
    elif max(-left, -top, left + wide - width, top + high - height) > ROUNDING:
        at.report.add(BOX_OUTSIDE, at.json, detail)


def _begin_view(at: _Split, wanted: tuple[str, ...] | None) -> Callable[[], MMDetView | None]:
    names = wanted or tuple(dict.fromkeys(category['name'] for category in at.categories))
    return as_mmdet.begin_view_coco(at.json, names, at.split.is_trained_on)


def _view(at: _Split, end: Callable[[], MMDetView | None]) -> MMDetView | None:
    """Note what MMDetection's data set makes of the split, unless the file has an error."""
    view = None if at.report.has_error(at.json) else end()
    if view:
        at.report.add_view(view, at.json)
    return view


def _check_leaks(splits: list[_Split], pictures: dict[Path, Picture]) -> None:
    trained = {pictures[path].digest: path for one in splits if one.split.is_trained_on
               for path in one.paths.values() if path in pictures}
    trained.pop(b'', None)  # pictures that were not decoded
    for one in splits:
        for path in () if one.split.is_trained_on else one.paths.values():
            if path in pictures and pictures[path].digest in trained:
                one.report.add(LIKELY_LEAK, path, f'equals {trained[pictures[path].digest]}')


def _check_count(at: _Split, view: MMDetView | None) -> None:
    count = Count(at.split.title, len(at.images), len(at.annotations),
                  at.split.images, at.split.objects, view)
    at.report.counts.append(count)
    if not count.as_published:
        at.report.add(COUNT, at.json, str(count))
