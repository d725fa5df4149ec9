"""Demo scenes: shapes over textured grounds, as classification crops and as COCO and VOC sets.

A class is told by its shape alone: colours, textures, sizes and rotations are drawn alike for all
of them. Each picture's generator is derived from (seed, part, index), so that a larger set extends
a smaller one and no picture depends on another.
"""
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image, ImageFilter

from ..progress import Progress
from .layouts import CocoWriter, VocWriter
from .shapes import SCENE_CLASSES, draw_mask
from .textures import draw_colours, texture

DRAWING = 1  # raise it with every change of what is drawn: a cached set of another is not reused
VOC_LISTS = (('VOC2007', 'trainval', 0), ('VOC2012', 'trainval', 0), ('VOC2007', 'test', 500000))
OBJECT_SIDES = (.12, .5)  # the smallest and largest diameter, over the scene's shorter side
MOST_OVERLAP = .12
VISIBLE = .5
JPEG_QUALITY = 92


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene: its class and the pixels of it that can be seen."""

    label: int
    visible: np.ndarray
    truncated: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """First and last visible column and row, (x0, y0, x1, y1), counted from 0, inclusive."""
        columns, rows = np.flatnonzero(self.visible.any(0)), np.flatnonzero(self.visible.any(1))
        return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@dataclass(frozen=True)
class Scene:
    """A picture (height, width, 3) uint8 and its objects, the nearest last."""

    pixels: np.ndarray
    objects: tuple[SceneObject, ...]


def picture_rng(seed: int, part: str, index: int) -> np.random.Generator:
    """The generator of one picture, the same whatever else is drawn."""
    return np.random.default_rng([seed, crc32(part.encode()), index])


def draw_crop(label: int, side: int, rng: np.random.Generator) -> Scene:
    """One object that roughly fills a square picture."""
    radius = side * rng.uniform(.3, .5)
    centre = side / 2 + rng.uniform(-.08, .08, 2) * side
    mask = _random_mask(label, (side, side), centre, radius, rng)
    return _paint((side, side), [(label, mask)], rng)


def draw_scene(size: tuple[int, int], rng: np.random.Generator,
               object_sides: tuple[float, float] = OBJECT_SIDES) -> Scene:
    """Two to five objects that hardly overlap, over one ground of ``size`` (width, height).

    Args:
        object_sides: the smallest and the largest diameter of an object, over the scene's shorter
            side; drawn log-uniformly, and smaller where there is no room.
    """
    # A shuffled deck that holds each class twice keeps the classes balanced from scene to scene.
    deck = rng.permutation(np.repeat(np.arange(len(SCENE_CLASSES)), 2))
    placed: list[tuple[int, np.ndarray]] = []
    for label in deck[:rng.integers(2, 6)]:
        mask = _place(int(label), size, [mask for _, mask in placed], rng, object_sides)
        if mask is not None:
            placed.append((int(label), mask))
    return _paint(size, placed, rng)


def write_scenes(root: str | os.PathLike, *, crops: tuple[int, int] = (200, 60),
                 crop_size: int = 48, coco: tuple[int, int] = (200, 80),
                 voc: tuple[int, int, int] = (100, 100, 80),
                 scene_size: tuple[int, int] = (128, 128),
                 object_sides: tuple[float, float] = OBJECT_SIDES, seed: int = 0,
                 progress: Progress | None = None) -> Path:
    """Write the demo sets into the folder ``root``, or reuse it where it already holds them.

    Args:
        root: Folder to write: ``classification/{train,val}/<class>``, ``coco`` and ``VOCdevkit``.
        crops: Classification pictures per class for training and validation.
        crop_size: Their side in pixels.
        coco: Scenes of train2017 and val2017.
        voc: Scenes of VOC2007 trainval, VOC2012 trainval and VOC2007 test.
        scene_size: Width and height of a scene in pixels.
        object_sides: Of scenes, as in :func:`draw_scene`; 0 < smallest <= largest <= 1.
        seed: Seed of every picture.
        progress: Called with (pictures written, pictures in all).

    Raises:
        ValueError: A parameter is out of range, or ``root`` holds something else.
    """
    root = Path(root)
    wanted = dict(drawing=DRAWING, classes=list(SCENE_CLASSES), crops=list(crops),
                  crop_size=crop_size, coco=list(coco), voc=list(voc),
                  scene_size=list(scene_size), object_sides=list(object_sides), seed=seed)
    _check(wanted)
    if _holds(root, wanted):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(root)
    draft = root.with_name(f'.{root.name}.writing-{os.getpid()}')
    try:
        _write_all(draft, wanted, progress or (lambda done, total: None))
        try:
            draft.rename(root)
        except OSError:
            # Another process was quicker; what it wrote is as good, if it is the same.
            if not _holds(root, wanted):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return root


def _place(label: int, size: tuple[int, int], others: list[np.ndarray], rng: np.random.Generator,
           object_sides: tuple[float, float]) -> np.ndarray | None:
    """A mask that hides little of the others; smaller with every attempt, None if none fits."""
    side, (smallest, largest) = min(size), object_sides
    extent = side * np.exp(rng.uniform(np.log(smallest), np.log(largest)))
    for _ in range(40):
        centre = rng.uniform(.35 * extent, np.array(size) - .35 * extent)
        mask = _random_mask(label, size, centre, extent / 2, rng)
        solid = mask >= VISIBLE
        hidden = [(solid & (other >= VISIBLE)).sum() for other in others]
        areas = [min(solid.sum(), (other >= VISIBLE).sum()) for other in others]
        if solid.any() and all(h <= MOST_OVERLAP * a for h, a in zip(hidden, areas)):
            return mask
        extent = max(extent * .95, smallest * side)
    return None


def _random_mask(label: int, size: tuple[int, int], centre: np.ndarray, radius: float,
                 rng: np.random.Generator) -> np.ndarray:
    return draw_mask(SCENE_CLASSES[label], size, tuple(centre), radius,
                     degrees=rng.uniform(0, 360), squeeze=rng.uniform(.8, 1))


def _paint(size: tuple[int, int], placed: list[tuple[int, np.ndarray]],
           rng: np.random.Generator) -> Scene:
    ground = draw_colours(rng)
    pixels = texture(size, ground, rng)
    for _, mask in placed:
        fill = texture(size, draw_colours(rng, apart_from=ground), rng)
        pixels += mask[..., None] * (fill - pixels)
    picture = Image.fromarray(pixels.astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, .6)))
    noisy = np.asarray(picture) + rng.normal(0, rng.uniform(1, 6), (*size[::-1], 1))
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), _objects(placed))


def _objects(placed: list[tuple[int, np.ndarray]]) -> tuple[SceneObject, ...]:
    objects, covered = [], np.zeros(placed[0][1].shape, bool)
    for label, mask in reversed(placed):
        solid = mask >= VISIBLE
        at_border = solid[[0, -1]].any() or solid[:, [0, -1]].any()
        objects.append(SceneObject(label, solid & ~covered, bool(at_border)))
        covered |= solid
    return tuple(reversed(objects))


def _write_all(root: Path, wanted: dict, progress: Progress) -> None:
    scenes = sum(wanted['coco']) + sum(wanted['voc'])
    total = len(SCENE_CLASSES) * sum(wanted['crops']) + scenes
    for done, _ in enumerate(_write_pictures(root, wanted), 1):
        progress(done, total)
    (root / 'scenes.json').write_text(json.dumps(wanted, indent=2) + '\n', encoding='utf-8')


def _write_pictures(root: Path, wanted: dict) -> Iterator[None]:
    """Write everything but scenes.json, with a yield for each picture."""
    seed, size, sides = wanted['seed'], tuple(wanted['scene_size']), wanted['object_sides']
    for split, count in zip(('train', 'val'), wanted['crops']):
        for label, name in enumerate(SCENE_CLASSES):
            part = f'classification/{split}/{name}'
            for index in range(count):
                crop = draw_crop(label, wanted['crop_size'], picture_rng(seed, part, index))
                _save(crop, root / part / f'{index:06d}.jpg')
                yield
    for split, count in zip(('train2017', 'val2017'), wanted['coco']):
        writer = CocoWriter(root / 'coco', split, SCENE_CLASSES)
        for index in range(count):
            scene = draw_scene(size, picture_rng(seed, f'coco/{split}', index), sides)
            _save(scene, writer.add(index + 1, scene))
            yield
        writer.close()
    for (year, split, first), count in zip(VOC_LISTS, wanted['voc']):
        voc = VocWriter(root / 'VOCdevkit' / year, split, SCENE_CLASSES)
        for index in range(count):
            scene = draw_scene(size, picture_rng(seed, f'{year}/{split}', index), sides)
            _save(scene, voc.add(first + index + 1, scene))
            yield
        voc.close()


def _save(scene: Scene, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.pixels).save(path, quality=JPEG_QUALITY)


def _check(wanted: dict) -> None:
    lengths = dict(crops=2, coco=2, voc=3, scene_size=2)
    faults = [f'{name} takes {length} whole numbers, got {wanted[name]}'
              for name, length in lengths.items()
              if len(wanted[name]) != length or not all(isinstance(n, int) and n >= 0
                                                       for n in wanted[name])]
    if wanted['crop_size'] < 16:
        faults.append(f'crop_size is at least 16 pixels, got {wanted["crop_size"]}')
    if not faults and min(wanted['scene_size']) < 48:
        faults.append(f'scene_size is at least 48 pixels a side, got {wanted["scene_size"]}')
    sides = wanted['object_sides']
    if len(sides) != 2 or not 0 < sides[0] <= sides[1] <= 1:
        faults.append('object_sides is (smallest, largest), 0 < smallest <= largest <= 1, got '
                      f'{sides}')
    if wanted['seed'] < 0:
        faults.append(f'seed is 0 or more, got {wanted["seed"]}')
    if faults:
        raise ValueError('write_scenes: ' + '; '.join(faults))


def _holds(root: Path, wanted: dict) -> bool:
    """True if ``root`` holds the wanted scenes, False if it is absent or empty."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        found = json.loads((root / 'scenes.json').read_text(encoding='utf-8'))
    except (OSError, ValueError):
        raise ValueError(f'{root} exists but holds no scenes.json, so it is not a set of demo '
                         'scenes: choose another folder') from None
    differing = [f'{name} {found.get(name)} there, {value} asked for'
                 for name, value in wanted.items() if found.get(name) != value]
    if differing:
        raise ValueError(f'{root} holds other scenes ({"; ".join(differing)}): remove it or '
                         'choose another folder')
    return True


def _remove_leftovers(root: Path) -> None:
    """Remove what killed runs left half-written; the folder of a living process stays."""
    for draft in root.parent.glob(f'.{root.name}.writing-*'):
        pid = draft.name.rpartition('-')[2]
        if pid.isdigit() and (int(pid) == os.getpid() or not _is_running(int(pid))):
            shutil.rmtree(draft, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
