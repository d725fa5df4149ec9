"""The truth of an evaluation set and the detections of one model on it, read from COCO json."""
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..console.text import shortened
from ..files import file_sha256


class UnreadableDetections(ValueError):
    """The error for a file of detections or of truth that is missing, broken or of another kind."""


@dataclass(frozen=True, eq=False)
class Truth:
    """An evaluation set. Build it with :func:`read_truth`.

    Args:
        content: the COCO json, with images, annotations and categories.
        sha256: the digest of the file.
    """
    content: dict[str, Any]
    sha256: str

    @cached_property
    def image_ids(self) -> list:
        """The image ids, sorted. Their position is the *image index* everywhere in this package."""
        return sorted(image['id'] for image in self.content['images'])

    @cached_property
    def image_index(self) -> dict[Any, int]:
        """The image index of each image id."""
        return {image_id: i for i, image_id in enumerate(self.image_ids)}

    @cached_property
    def categories(self) -> dict[int, str]:
        """The class names by id, in the order of ids. Their position is the *class index*."""
        return {c['id']: c['name'] for c in sorted(self.content['categories'],
                                                   key=lambda c: c['id'])}

    @cached_property
    def identity(self) -> str:
        """A digest of images, objects and classes, which does not depend on the file's layout."""
        content = self.content
        sha = hashlib.sha256(repr(self.categories).encode())
        for image_id in self.image_ids:
            sha.update(f'{image_id} '.encode())
        for a in sorted(content['annotations'], key=lambda a: (str(a['image_id']), a['id'])):
            box = [float(v) for v in (*a['bbox'], a.get('area', 0))]
            sha.update(f'{a["image_id"]} {a["category_id"]} {a.get("iscrowd", 0)} {box}'.encode())
        return sha.hexdigest()

    @property
    def class_names(self) -> list[str]:
        """The class names, in the order of their ids."""
        return list(self.categories.values())


def read_truth(path: str | Path, masks: bool = False) -> Truth:
    """Read COCO annotations.

    Args:
        masks: every annotation must have a mask.

    Raises:
        UnreadableDetections: the file is missing or cut off, lacks images, annotations or
            categories, lists no image, or has an entry that lacks something.
    """
    content = _json(Path(path))
    if not isinstance(content, dict) or not all(
            isinstance(content.get(k), list) for k in ('images', 'annotations', 'categories')):
        raise UnreadableDetections(f'{path}: not COCO annotations; expected a json object with '
                                   'images, annotations and categories')
    if not content['images']:
        raise UnreadableDetections(f'{path}: lists no image')
    for part, fields in NEEDED.items():
        for entry in content[part]:
            lacking = [name for name, is_right in fields.items() if not (
                isinstance(entry, dict) and is_right(entry.get(name)))]
            if lacking:
                raise UnreadableDetections(f'{path}: {part}: {shortened(repr(entry))} has no valid '
                                           f'{", ".join(lacking)}')
    for part in ('images', 'categories'):
        ids = [entry['id'] for entry in content[part]]
        if len(set(ids)) < len(ids) or len({type(one) for one in ids}) > 1:
            raise UnreadableDetections(f'{path}: {part}: ids that are given twice, or are of '
                                       'several types')
    for one in content['annotations'] if masks else ():
        if not _is_mask(one.get('segmentation')):
            raise UnreadableDetections(f'{path}: annotation {one.get("id")!r} has no mask '
                                       '(polygons, or run lengths with size and counts)')
    return Truth(content, file_sha256(path))


def _is_id(value: Any) -> bool:
    return type(value) in (int, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


# What an evaluation reads of each entry, and how it is known to be right.
NEEDED: dict[str, dict[str, Callable[[Any], bool]]] = dict(
    images=dict(id=_is_id),
    annotations=dict(id=_is_id, image_id=_is_id, category_id=_is_id, bbox=_is_box, area=_is_number),
    categories=dict(id=_is_id, name=lambda value: isinstance(value, str)))


def _is_mask(segmentation: Any) -> bool:
    if isinstance(segmentation, dict):
        return {'size', 'counts'} <= set(segmentation)
    return isinstance(segmentation, list) and bool(segmentation) and all(
        isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        for polygon in segmentation)


def read_detections(path: str | Path, truth: Truth, masks: bool = False) -> list[dict[str, Any]]:
    """Read detections, a list of ``dict(image_id, category_id, bbox=[x, y, w, h], score)``.

    Args:
        masks: read masks, which have ``segmentation=dict(size=[h, w], counts)``, COCO's compressed
            run lengths, in place of ``bbox``.

    Raises:
        UnreadableDetections: the file is missing or cut off, is not such a list, holds numbers that
            are not finite, masks of another size than their image, or images or categories that are
            not in ``truth``.
    """
    found = _json(Path(path))
    if not isinstance(found, list):
        raise UnreadableDetections(f'{path}: not detections; expected a json list')
    try:
        images = {d['image_id'] for d in found}
        categories = {d['category_id'] for d in found}
        boxes = [() if masks else d['bbox'] for d in found]
        numbers = np.array([[*box, d['score']] for box, d in zip(boxes, found)])
        # Texts of numbers would be sorted as texts.
        if found and (numbers.shape != (len(found), 1 if masks else 5)
                      or numbers.dtype.kind not in 'iuf'):
            raise ValueError
        if masks and not all(isinstance(d['segmentation']['counts'], str) for d in found):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        place = 'segmentation of size and counts' if masks else 'bbox of four numbers'
        raise UnreadableDetections(f'{path}: not detections; each needs image_id, category_id, '
                                   f'{place}, and score') from None
    if not np.isfinite(numbers).all():
        raise UnreadableDetections(f'{path}: holds boxes or scores that are not finite numbers')
    _known(path, 'images', images, set(truth.image_index))
    _known(path, 'categories', categories, set(truth.categories))
    if masks:
        _check_sizes(path, found, truth)
    # COCO's tools take some other keys for results of another kind.
    kept = ('image_id', 'category_id', 'segmentation' if masks else 'bbox', 'score')
    return [{name: one[name] for name in kept} for one in found]


def _check_sizes(path: str | Path, found: list[dict[str, Any]], truth: Truth) -> None:
    sizes = {i['id']: [i.get('height'), i.get('width')] for i in truth.content['images']}
    for one in found:
        size, expected = one['segmentation'].get('size'), sizes[one['image_id']]
        if size != expected:
            raise UnreadableDetections(f'{path}: a mask of image {one["image_id"]!r} has the size '
                                       f'{size!r}, and the image {expected!r} (height, width)')


def _known(path: str | Path, what: str, found: set, known: set) -> None:
    strange = found - known
    if strange:
        raise UnreadableDetections(
            f'{path}: {len(strange)} of its {len(found)} {what} are not in the annotations, e.g. '
            f'{min(strange, key=str)!r}; these are detections on another set')


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise UnreadableDetections(f'{path}: cannot be read ({error.strerror})') from None
    except ValueError:
        raise UnreadableDetections(f'{path}: not json, or cut off') from None
