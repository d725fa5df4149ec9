"""A check of folders in the layout of PASCAL VOC. It says what each fault causes in MMDetection."""
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from ..console.progress_bar import Progress
from . import as_mmdet
from .as_mmdet import MIN_SIZE
from .data_report import (
    BAD_PICTURE,
    BOX_OUTSIDE,
    COUNT,
    ERROR,
    LIKELY_LEAK,
    NO_PICTURE,
    NOTE,
    UNKNOWN_CLASS,
    WARNING,
    Count,
    DataReport,
    Kind,
)
from .pictures import Picture, look_at
from .seen_pictures import SeenPictures

LARGEST = 2**24  # up to here float32, in which boxes are kept, holds every integer
VOC_CLASSES = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
               'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep',
               'sofa', 'train', 'tvmonitor')

# The consequences were read in MMDetection's datasets/xml_style.py, and tried on its assigner and
# box coder. Nothing there drops a box of an XML file.
NO_LIST = Kind('missing or unreadable list', ERROR, 'the split cannot be read')
NO_XML = Kind('missing XML', ERROR, 'reading the split stops there')
BAD_XML = Kind('unreadable XML', ERROR, 'reading the split stops there')
EMPTY_BOX = Kind('empty or inverted box', ERROR, 'MMDetection keeps it, and the loss becomes '
                 'infinite or NaN: correct the XML, or mark the box as difficult')
HARMLESS_BOX = Kind('empty or inverted box, not trained on', WARNING,
                    'it can never be detected, or it is marked as difficult')
FAR_BOX = Kind('box completely outside its picture', ERROR,
               'clipping leaves it empty, and the loss becomes infinite or NaN')
OTHER_SIZE = Kind('size in the XML differs from the picture', WARNING,
                  'MMDetection uses the size in the XML when it filters and groups pictures; the '
                  'boxes may belong to another version of the picture')
REPEATED = Kind('repeated in one list', WARNING, 'the picture counts as often as it is listed')
SMALL_BOX = Kind(f'box under {MIN_SIZE} pixels', NOTE, "MMDetection's own VOC configs do not train "
                 'on it (bbox_min_size), but those of mmresizemix do')
LEAK = Kind('in training and in test', ERROR, 'the test measures memory, and its mAP is too high')


@dataclass(frozen=True)
class VocSplit:
    """One list of pictures: ``<folder>/ImageSets/Main/<name>.txt`` under the root.

    ``images`` is the published number of pictures, or None if unknown.
    """

    folder: str
    name: str
    images: int | None = None

    @classmethod
    def parse(cls, text: str) -> 'VocSplit':
        """Read a split from a text like 'VOC2007/train' or, if the root is the folder of the year,
        'train'.

        Raises:
            ValueError: the text has another form.
        """
        folder, _, name = text.rpartition('/')
        if not name or name.endswith('.txt'):
            raise ValueError(f"split {text!r}: expected FOLDER/LIST without '.txt', "
                             "as in 'VOC2007/train'")
        return cls(folder, name)

    @property
    def title(self) -> str:
        """The name of the split in reports."""
        return f'{self.folder}/{self.name}' if self.folder else self.name

    @property
    def is_trained_on(self) -> bool:
        """Whether the split is for training: its name begins with neither 'val' nor 'test'."""
        return not self.name.startswith(('val', 'test'))

    def list_path(self, root: Path) -> Path:
        """Return the path of the file that lists the pictures of the split."""
        return root / self.folder / 'ImageSets' / 'Main' / f'{self.name}.txt'

    def picture_path(self, root: Path, name: str) -> Path:
        """Return the path of a picture."""
        return root / self.folder / 'JPEGImages' / f'{name}.jpg'

    def xml_path(self, root: Path, name: str) -> Path:
        """Return the path of the annotation of a picture."""
        return root / self.folder / 'Annotations' / f'{name}.xml'


VOC0712 = (VocSplit('VOC2007', 'trainval', 5011), VocSplit('VOC2007', 'test', 4952),
           VocSplit('VOC2012', 'trainval', 11540))


def check_voc(root: str | os.PathLike, splits: Iterable[VocSplit] = VOC0712,
              classes: Iterable[str] = VOC_CLASSES, decode: bool = True,
              progress: Progress | None = None,
              seen: SeenPictures | None = None) -> DataReport:
    """Check the lists, XML files and pictures of a folder such as ``VOCdevkit``.

    The report collects every fault, and none raises an error. If MMDetection is installed, it also
    says what MMDetection's data set leaves out of each split, and where it stops.

    Args:
        root: the folder.
        splits: the splits to check.
        classes: the classes of the config.
        decode: decode each picture. If False, only its header is read.
        progress: called with (pictures read, pictures in all).
        seen: the pictures that an earlier check has decoded. They are not decoded again.
    """
    # Read the lists, then all pictures that they name. A picture in several lists is read once.
    root = Path(root)
    report, classes, splits = DataReport(root, decoded=decode), tuple(classes), tuple(splits)
    names = {split: _read_list(root, split, report) for split in splits}
    listed = {split: found for split, found in names.items() if found is not None}
    paths = {split.picture_path(root, name): None for split in listed for name in listed[split]}
    files = [path for path in paths if path.is_file()]
    pictures = (seen.look_at(files, progress) if seen and decode
                else look_at(files, decode, progress))
    for split, found in listed.items():
        _check_split(_Split(root, split, report, classes, pictures), found)
    _check_leaks(root, listed, pictures, report)
    return report


def _read_list(root: Path, split: VocSplit, report: DataReport) -> list[str] | None:
    try:
        lines = split.list_path(root).read_text(encoding='utf-8').split('\n')
    except (OSError, UnicodeDecodeError) as error:
        missing = isinstance(error, FileNotFoundError)
        report.add(NO_LIST, split.list_path(root), '' if missing else str(error))
        return None
    # MMDetection, too, takes a blank line between others for a picture without a name.
    names = lines[:-1] if lines[-1] == '' else lines
    for name, times in Counter(names).items():
        if times > 1:
            report.add(REPEATED, split.list_path(root), f'{name}, {times} times')
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class _Split:
    root: Path
    split: VocSplit
    report: DataReport
    classes: tuple[str, ...]
    pictures: dict[Path, Picture]


def _check_split(at: _Split, names: list[str]) -> None:
    objects = 0
    for name in names:
        picture = _check_picture(at, at.split.picture_path(at.root, name))
        objects += _check_xml(at, at.split.xml_path(at.root, name), picture)
    view = None
    if not at.report.has_error(at.split.list_path(at.root)):
        view = as_mmdet.view_voc(at.root, at.split, at.classes, at.split.is_trained_on)
    if view:
        at.report.add_view(view, at.split.list_path(at.root))
    count = Count(at.split.title, len(names), objects, at.split.images, view=view)
    at.report.counts.append(count)
    if not count.as_published:
        at.report.add(COUNT, at.split.list_path(at.root), str(count))


def _check_picture(at: _Split, path: Path) -> Picture:
    picture = at.pictures.get(path)
    if picture is None:
        others = sorted(p.name for p in path.parent.glob(f'{path.stem}.*')) if path.stem else []
        at.report.add(NO_PICTURE, path, f'there is {others[0]}, but MMDetection reads .jpg'
                      if others else '')
        return Picture()
    if picture.problem:
        at.report.add(BAD_PICTURE, path, picture.problem)
    return picture


def _check_xml(at: _Split, path: Path, picture: Picture) -> int:
    """Check one XML file. Return the number of its objects of a known class."""
    try:
        root = ElementTree.parse(path).getroot()
        stated, objects = _stated_size(root), [_read_object(node) for node in root.iter('object')]
    except FileNotFoundError:
        at.report.add(NO_XML, path)
        return 0
    # A number may be infinite, and an encoding unknown.
    except (OSError, ValueError, OverflowError, LookupError, ElementTree.ParseError) as error:
        at.report.add(BAD_XML, path, str(error))
        return 0
    if stated and picture.size and stated != picture.size:
        at.report.add(OTHER_SIZE, path,
                      f'{_by(stated)} in the XML, {_by(picture.size)} in the file')
    for name, difficult, box in objects:
        if name not in at.classes:
            at.report.add(UNKNOWN_CLASS, path, repr(name))
        else:
            _check_box(at, path, name, difficult, box, picture.size or stated)
    return sum(name in at.classes for name, _, _ in objects)


def _check_box(at: _Split, path: Path, name: str, difficult: bool, box: tuple[int, ...],
               size: tuple[int, int] | None) -> None:
    left, top, right, bottom = box
    counts = at.split.is_trained_on and not difficult
    detail = f'{name}, xmin {left} ymin {top} xmax {right} ymax {bottom}'
    # MMDetection takes xmax - xmin for the width, so a box of one column has none.
    if right <= left or bottom <= top:
        at.report.add(EMPTY_BOX if counts else HARMLESS_BOX, path, detail)
    elif size and (right <= 1 or bottom <= 1 or left > size[0] or top > size[1]):
        at.report.add(FAR_BOX if counts else BOX_OUTSIDE, path, f'{detail} in {_by(size)}')
    elif size and (left < 1 or top < 1 or right > size[0] or bottom > size[1]):
        at.report.add(BOX_OUTSIDE, path, f'{detail} in {_by(size)}')
    if counts and 0 < min(right - left, bottom - top) < MIN_SIZE:
        at.report.add(SMALL_BOX, path, detail)


def _stated_size(root: ElementTree.Element) -> tuple[int, int] | None:
    node = root.find('size')
    return None if node is None else (int(_text(node, 'width')), int(_text(node, 'height')))


class _Object(NamedTuple):
    """An object as its file states it; ``box`` is (xmin, ymin, xmax, ymax)."""
    name: str
    difficult: bool
    box: tuple[int, ...]


def _read_object(node: ElementTree.Element) -> _Object:
    name, box = _text(node, 'name'), node.find('bndbox')
    if box is None:
        raise ValueError(f'an object {name!r} has no <bndbox>')
    difficult = int(node.findtext('difficult') or 0) != 0
    sides = tuple(int(float(_text(box, side))) for side in ('xmin', 'ymin', 'xmax', 'ymax'))
    if max(map(abs, sides)) > LARGEST:
        raise ValueError(f'an object {name!r} has a coordinate beyond {LARGEST:,}')
    return _Object(name, difficult, sides)


def _text(node: ElementTree.Element, tag: str) -> str:
    text = node.findtext(tag)
    if not text:
        raise ValueError(f'<{node.tag}> has no <{tag}>')
    return text


def _check_leaks(root: Path, listed: dict[VocSplit, list[str]], pictures: dict[Path, Picture],
                 report: DataReport) -> None:
    trained, tested = {}, []
    for split, names in listed.items():
        for name in names:
            path = split.picture_path(root, name)
            if split.is_trained_on:
                trained[path] = split
            else:
                tested.append((path, split))
    # A test picture may be the same file as a training picture, or have the same bytes. Pictures
    # that were not decoded have no digest (b'').
    by_content = {pictures[path].digest: path for path in trained if path in pictures}
    by_content.pop(b'', None)
    for path, split in tested:
        if path in trained:
            report.add(LEAK, path, f'in {trained[path].title} and in {split.title}')
        elif path in pictures and pictures[path].digest in by_content:
            report.add(LIKELY_LEAK, path, f'equals {by_content[pictures[path].digest]}')


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]}x{size[1]}'
