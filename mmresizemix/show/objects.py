"""A measurement of the paper's two problems (Sec. 1 and Fig. 1): how much of the source's objects a
mix keeps ("object information missing"), and how far its label is from what it shows ("label
misallocation").

Shapes: N or n is the number of pictures or mixes, H and W are the height and width of a picture in
pixels, and K is the number of objects in one picture.
"""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

from ..batch_augments import BatchAugment, Mix
from ..console.progress_bar import Progress
from .classifier import read_whole

GONE = 0.01  # with less than this share of their area in the patch, no object counts as shown


@dataclass(frozen=True)
class BoxedPicture:
    """A picture file and the boxes of its objects.

    ``boxes`` are (K, 4) x1, y1, x2, y2, relative to the width and height of the picture.
    """
    path: Path
    boxes: np.ndarray


@dataclass(frozen=True)
class Shares:
    """The shares of the objects that n mixes keep and show.

    Args:
        lam: (n,) the source's label weight.
        kept: (n,) the share of the area of the source's objects that is in the patch.
        visible: (n,) the source's share of the area of all objects that the mixed picture shows.
            NaN if it shows none.
    """
    lam: np.ndarray
    kept: np.ndarray
    visible: np.ndarray

    @property
    def gone(self) -> float:
        """The share of mixes without an object in the patch, among those whose source has a label
        weight."""
        return float((self.kept[self.lam > 0] < GONE).mean())

    @property
    def error(self) -> np.ndarray:
        """The label's error |λ - visible share| of each mix that shows an object."""
        return np.abs(self.lam - self.visible)[~np.isnan(self.visible)]


def read_coco(annotations: str | Path, pictures: str | Path) -> list[BoxedPicture]:
    """Read the pictures of a data set in COCO's format that have objects. Crowds do not count.

    Args:
        annotations: the annotation file.
        pictures: the folder of the pictures.

    Raises:
        ValueError: there are fewer than two such pictures.
    """
    content = json.loads(Path(annotations).read_text(encoding='utf-8'))
    boxes: dict[int, list] = {}
    for one in content['annotations']:
        if not one.get('iscrowd'):
            x, y, w, h = one['bbox']
            boxes.setdefault(one['image_id'], []).append((x, y, x + w, y + h))
    return _with_objects([
        (Path(pictures) / image['file_name'], boxes.get(image['id'], []),
         (image['width'], image['height'])) for image in content['images']], annotations)


def read_voc(root: str | Path, split: str) -> list[BoxedPicture]:
    """Read the pictures of a data set in VOC's format that have objects.

    Args:
        root: the folder with ``Annotations``, ``ImageSets`` and ``JPEGImages``.
        split: the name of a list in ``ImageSets/Main``, such as 'val'.

    Raises:
        ValueError: there are fewer than two such pictures.
    """
    root = Path(root)
    found = []
    for name in (root / f'ImageSets/Main/{split}.txt').read_text(encoding='utf-8').split():
        tree = ElementTree.parse(root / f'Annotations/{name}.xml')
        size = tuple(float(tree.findtext(f'size/{side}', '')) for side in ('width', 'height'))
        boxes = [tuple(float(box.findtext(edge, '')) for edge in ('xmin', 'ymin', 'xmax', 'ymax'))
                 for box in tree.iterfind('object/bndbox')]
        # VOC counts from 1 and includes the last pixel. From 0, with it exclusive, x2 is the same.
        boxes = [(x1 - 1, y1 - 1, x2, y2) for x1, y1, x2, y2 in boxes]
        found.append((root / f'JPEGImages/{name}.jpg', boxes, size))
    return _with_objects(found, root)


def _with_objects(found: Sequence[tuple[Path, list, tuple]], source: str | Path
                  ) -> list[BoxedPicture]:
    kept = [BoxedPicture(path, (np.array(boxes) / np.tile(size, 2)).clip(0, 1))
            for path, boxes, size in found if boxes]
    if len(kept) < 2:
        raise ValueError(f'{source}: expected at least 2 pictures with boxes, got {len(kept)}')
    return kept


def object_shares(mix: Mix, masks: Tensor) -> Shares:
    """Measure how much of the objects in N pictures a mix keeps and shows.

    Mixes that move blocks (Puzzle Mix) are measured as if no block moved.

    Args:
        mix: the mix of the pictures.
        masks: (N, H, W) bool, True where a picture has an object.
    """
    H, W = mix.size
    masks = masks.double()
    weight = 1. if mix.weight is None else mix.weight.double()
    # Areas in pixels, (N,): of the source's objects in the patch, and of the target's under it.
    of_source, of_target = masks[mix.partner], masks
    in_patch = (of_source * _inside(mix.source, H, W) * weight).sum((1, 2))
    covered = (of_target * _inside(mix.target, H, W) * weight).sum((1, 2))
    # The patch is resized to its target box, and the objects in it with it.
    shrunk = _area(mix.target) / _area(mix.source).clamp(min=1)
    shown = in_patch * shrunk
    total = shown + of_target.sum((1, 2)) - covered
    return Shares(mix.lam.numpy(), (in_patch / of_source.sum((1, 2))).numpy(),
                  torch.where(total > 0, shown / total, torch.nan).numpy())


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return masks (N, H, W) bool that are True inside the boxes (N, 4)."""
    (x1, y1, x2, y2), (x, y) = boxes.T[..., None], (torch.arange(n) for n in (width, height))
    return ((y1 <= y) & (y < y2))[:, :, None] & ((x1 <= x) & (x < x2))[:, None]


def _area(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.T
    return ((x2 - x1) * (y2 - y1)).double()


def object_mask(boxes: np.ndarray, side: int) -> Tensor:
    """Return the union of ``boxes`` as a mask (side, side) bool, with at least a pixel per box."""
    edges = torch.from_numpy(boxes) * side
    low, high = edges[:, :2].floor().long().clamp(max=side - 1), edges[:, 2:].round().long()
    return _inside(torch.cat([low, high.maximum(low + 1)], 1), side, side).any(0)


def measure_objects(pictures: Sequence[BoxedPicture], methods: Mapping[str, BatchAugment], *,
                    mixes: int = 10_000, side: int = 224, batch: int = 64, seed: int = 0,
                    progress: Progress = lambda done, total: None) -> dict[str, Shares]:
    """Mix batches of pictures by several methods, and measure what becomes of the objects.

    All methods mix the same batches. The pictures are whole, squeezed to a square.

    Args:
        methods: the augments by name. None of them may ask a model.
        mixes: the least number of mixes by each method.
        side: the side of the square, in pixels.
        batch: the number of pictures per batch.
        seed: the seed of the choice of pictures.
        progress: called with (mixes done, mixes in all).

    Returns:
        The shares of each method, by its name.
    """
    rng = np.random.default_rng(seed)
    batch = min(batch, len(pictures))
    found: dict[str, list[Shares]] = {name: [] for name in methods}
    for done in range(0, mixes, batch):
        # Read the pictures of a batch, and mark the pixels of their objects.
        chosen = [pictures[i] for i in rng.choice(len(pictures), batch, replace=False)]
        inputs = torch.from_numpy(np.stack([read_whole(one.path, side) for one in chosen]))
        inputs = inputs.permute(0, 3, 1, 2).float()
        masks = torch.stack([object_mask(one.boxes, side) for one in chosen])
        for name, augment in methods.items():
            mix = augment.draw_for(inputs, torch.eye(batch))
            found[name].append(object_shares(mix, masks))
        progress(min(done + batch, mixes), mixes)
    # Join the batches of each method.
    return {name: Shares(*(np.concatenate([getattr(one, field) for one in parts])
                           for field in ('lam', 'kept', 'visible')))
            for name, parts in found.items()}
