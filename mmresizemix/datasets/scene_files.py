"""Writers of scenes in the two published layouts, each with its own convention for boxes.

Boxes in COCO are (x, y, width, height), counted from 0, with the far edge exclusive.
Boxes in VOC are (xmin, ymin, xmax, ymax), counted from 1, with the last pixel inclusive.
"""
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

if TYPE_CHECKING:
    from .scenes import Scene, SceneObject


class CocoWriter:
    """Writes the annotations of one split in COCO layout, ``annotations/instances_<split>.json``,
    and says where its pictures belong, ``<root>/<split>/*.jpg``."""

    def __init__(self, root: Path, split: str, classes: tuple[str, ...]) -> None:
        self.root, self.split = root, split
        self.content: dict[str, Any] = dict(
            info=dict(description='demo scenes of mmresizemix', version='1.0'),
            licenses=[], images=[], annotations=[],
            categories=[dict(id=label + 1, name=name, supercategory='shape')
                        for label, name in enumerate(classes)])

    def add(self, number: int, scene: 'Scene') -> Path:
        """Note the annotations of a scene, and return the path that its picture belongs to."""
        height, width = scene.pixels.shape[:2]
        image = dict(id=number, file_name=f'{number:012d}.jpg', width=width, height=height)
        self.content['images'].append(image)
        for item in scene.objects:
            self.content['annotations'].append(self._annotation(number, item))
        return self.root / self.split / image['file_name']

    def close(self) -> None:
        """Write the annotations of the split."""
        path = self.root / 'annotations' / f'instances_{self.split}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.root / self.split).mkdir(exist_ok=True)
        path.write_text(json.dumps(self.content), encoding='utf-8')

    def _annotation(self, image_id: int, item: 'SceneObject') -> dict:
        # The box of an item includes its last column and row, so a side is one more than they say.
        x0, y0, x1, y1 = item.box
        return dict(id=len(self.content['annotations']) + 1, image_id=image_id,
                    category_id=item.label + 1, bbox=[x0, y0, x1 + 1 - x0, y1 + 1 - y0],
                    area=int(item.visible.sum()), iscrowd=0, segmentation=run_lengths(item.visible))


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """Return a mask (height, width) bool as COCO's run lengths, not compressed.

    ``counts`` are the numbers of pixels outside, inside, outside, ..., column by column.
    """
    pixels = mask.ravel(order='F')
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    # The first run is outside, and empty if the first pixel is inside.
    first = [0, 0] if pixels[0] else [0]
    return dict(size=list(mask.shape),
                counts=np.diff([*first, *changes, pixels.size]).tolist())


class VocWriter:
    """Writes one list of pictures in VOC layout, ``ImageSets/Main/<split>.txt``, and their XML
    files in ``Annotations``, and says where the pictures belong, in ``JPEGImages``."""

    def __init__(self, root: Path, split: str, classes: tuple[str, ...]) -> None:
        self.root, self.split, self.classes = root, split, classes
        self.names: list[str] = []
        for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def add(self, number: int, scene: 'Scene') -> Path:
        """Write the XML file of a scene, and return the path that its picture belongs to."""
        # In the published sets, names in VOC2012 begin with a year, and those in VOC2007 do not.
        prefix = '' if self.root.name == 'VOC2007' else f'{self.root.name[3:]}_'
        name = f'{prefix}{number:06d}'
        self.names.append(name)
        tree = ElementTree.ElementTree(self._annotation(f'{name}.jpg', scene))
        ElementTree.indent(tree, '\t')
        tree.write(self.root / 'Annotations' / f'{name}.xml', encoding='utf-8')
        return self.root / 'JPEGImages' / f'{name}.jpg'

    def close(self) -> None:
        """Write the list of the pictures of the split."""
        path = self.root / 'ImageSets' / 'Main' / f'{self.split}.txt'
        path.write_text(''.join(f'{name}\n' for name in self.names), encoding='utf-8')

    def _annotation(self, filename: str, scene: 'Scene') -> ElementTree.Element:
        height, width, depth = scene.pixels.shape
        root = _element('annotation', dict(folder=self.root.name, filename=filename))
        root.append(_element('source', dict(database='demo scenes of mmresizemix')))
        root.append(_element('size', dict(width=width, height=height, depth=depth)))
        _leaf(root, 'segmented', 0)
        for item in scene.objects:
            root.append(self._object(item))
        return root

    def _object(self, item: 'SceneObject') -> ElementTree.Element:
        # Coordinates count from 0 in an item, but from 1 in VOC. Both include the last pixel.
        x0, y0, x1, y1 = item.box
        node = _element('object', dict(name=self.classes[item.label], pose='Unspecified',
                                       truncated=int(item.truncated), difficult=0))
        node.append(_element('bndbox', dict(xmin=x0 + 1, ymin=y0 + 1, xmax=x1 + 1, ymax=y1 + 1)))
        return node


def _element(tag: str, leaves: dict) -> ElementTree.Element:
    node = ElementTree.Element(tag)
    for name, value in leaves.items():
        _leaf(node, name, value)
    return node


def _leaf(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = str(value)
