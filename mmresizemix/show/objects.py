"""The paper's two problems, measured: what of the source's objects a mix keeps ("object information
missing"), how far its label is from what it shows ("label misallocation", Sec. 1 and Fig. 1)."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

from ..batch_augments import BatchAugment, Mix
from ..progress import Progress
from .classifier import read_whole

GONE = 0.01  # of the objects' area: with less of it in the patch, no object is shown


@dataclass(frozen=True)
class BoxedPicture:
    """``boxes``: (K, 4) x1, y1, x2, y2 of its objects, in shares of its width and height."""
    path: Path
    boxes: np.ndarray


@dataclass(frozen=True)
class Shares:
    """What became of the objects in n mixes.

    Args:
        lam: (n,) the source's label weight.
        kept: (n,) the share of the area of the source's objects that is in the patch.
        visible: (n,) the source's share of the area of all objects that the mixed picture shows;
            NaN where it shows none.
    """
    lam: np.ndarray
    kept: np.ndarray
    visible: np.ndarray

    @property
    def gone(self) -> float:
        """The share of mixes whose source has a label weight and no object in the patch."""
        return float((self.kept[self.lam > 0] < GONE).mean())

    @property
    def error(self) -> np.ndarray:
        """|λ - the visible share|, of the mixes that show an object."""
        return np.abs(self.lam - self.visible)[~np.isnan(self.visible)]


def read_coco(annotations: str | Path, pictures: str | Path) -> list[BoxedPicture]:
    """Pictures of a set in COCO's format that have objects (crowds are none).

    Raises:
        ValueError: there is none.
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
    """Pictures of a set in VOC's format that have objects.

    Args:
        root: the folder with ``Annotations``, ``ImageSets`` and ``JPEGImages``.
        split: as 'val': a list in ``ImageSets/Main``.

    Raises:
        ValueError: there is none.
    """
    root = Path(root)
    found = []
    for name in (root / f'ImageSets/Main/{split}.txt').read_text(encoding='utf-8').split():
        tree = ElementTree.parse(root / f'Annotations/{name}.xml')
        size = tuple(float(tree.findtext(f'size/{side}', '')) for side in ('width', 'height'))
        boxes = [tuple(float(box.findtext(edge, '')) for edge in ('xmin', 'ymin', 'xmax', 'ymax'))
                 for box in tree.iterfind('object/bndbox')]
        boxes = [(x1 - 1, y1 - 1, x2, y2) for x1, y1, x2, y2 in boxes]  # counted from 1, inclusive
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
    """What becomes of the objects of ``masks`` (N, H, W) bool: True where a picture has one.

    Of mixes that move blocks (Puzzle Mix), what is measured is before they move.
    """
    H, W = mix.size
    masks = masks.double()
    weight = 1. if mix.weight is None else mix.weight.double()
    of_source, of_target = masks[mix.partner], masks
    in_patch = (of_source * _inside(mix.source, H, W) * weight).sum((1, 2))
    covered = (of_target * _inside(mix.target, H, W) * weight).sum((1, 2))
    shrunk = _area(mix.target) / _area(mix.source).clamp(min=1)
    shown = in_patch * shrunk
    total = shown + of_target.sum((1, 2)) - covered
    return Shares(mix.lam.numpy(), (in_patch / of_source.sum((1, 2))).numpy(),
                  torch.where(total > 0, shown / total, torch.nan).numpy())


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """(N, H, W) bool."""
    (x1, y1, x2, y2), (x, y) = boxes.T[..., None], (torch.arange(n) for n in (width, height))
    return ((y1 <= y) & (y < y2))[:, :, None] & ((x1 <= x) & (x < x2))[:, None]


def _area(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.T
    return ((x2 - x1) * (y2 - y1)).double()


def object_mask(boxes: np.ndarray, side: int) -> Tensor:
    """(side, side) bool: the union of ``boxes``, each of at least a pixel."""
    edges = torch.from_numpy(boxes) * side
    low, high = edges[:, :2].floor().long().clamp(max=side - 1), edges[:, 2:].round().long()
    return _inside(torch.cat([low, high.maximum(low + 1)], 1), side, side).any(0)


def measure_objects(pictures: Sequence[BoxedPicture], methods: Mapping[str, BatchAugment],
                    mixes: int = 10_000, side: int = 224, batch: int = 64, seed: int = 0,
                    progress: Progress = lambda done, total: None) -> dict[str, Shares]:
    """Mix batches of pictures, all methods the same ones, whole and squashed to a square.

    Args:
        methods: name -> augment; none that asks a model.
        mixes: at least so many of each method.
    """
    rng = np.random.default_rng(seed)
    batch = min(batch, len(pictures))
    found: dict[str, list[Shares]] = {name: [] for name in methods}
    for done in range(0, mixes, batch):
        chosen = [pictures[i] for i in rng.choice(len(pictures), batch, replace=False)]
        inputs = torch.from_numpy(np.stack([read_whole(one.path, side) for one in chosen]))
        inputs = inputs.permute(0, 3, 1, 2).float()
        masks = torch.stack([object_mask(one.boxes, side) for one in chosen])
        for name, augment in methods.items():
            mix = augment.draw_for(inputs, torch.eye(batch))
            found[name].append(object_shares(mix, masks))
        progress(min(done + batch, mixes), mixes)
    return {name: Shares(*(np.concatenate([getattr(one, field) for one in parts])
                           for field in ('lam', 'kept', 'visible')))
            for name, parts in found.items()}
