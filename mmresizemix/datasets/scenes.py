"""Demo scenes: shapes over textured grounds, as classification crops and as COCO and VOC sets.

Only the shape tells the class: colours, textures, sizes and rotations are drawn from the same
distributions for all classes. The generator of each picture is derived from (seed, part, index).
A larger set therefore extends a smaller one, and no picture depends on another.
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

from ..console.progress_bar import Progress
from .scene_files import CocoWriter, VocWriter
from .shapes import SCENE_CLASSES, draw_mask
from .textures import draw_colours, texture

DRAWING = 2  # raise it with every change of what is drawn, so that older sets are not reused
VOC_LISTS = (('VOC2007', 'trainval', 0), ('VOC2012', 'trainval', 0), ('VOC2007', 'test', 500000))
OBJECT_SIDES = (.12, .5)  # the smallest and largest diameter, relative to the shorter side
MOST_OVERLAP = .12  # the largest share of the smaller of two objects that both may cover
VISIBLE = .5  # a pixel belongs to an object that covers at least this share of it
LEAST_PIXELS = 4  # of an object's diameter: smaller ones can vanish between pixels
JPEG_QUALITY = 92


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene: its class, its visible pixels, and whether the border cuts it off.

    ``visible`` is (height, width) bool.
    """

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
    """Return the random generator of one picture, which does not depend on what else is drawn."""
    return np.random.default_rng([seed, crc32(part.encode()), index])


def draw_crop(label: int, side: int, rng: np.random.Generator) -> Scene:
    """Draw one object that roughly fills a square picture."""
    radius = side * rng.uniform(.3, .5)
    centre = side / 2 + rng.uniform(-.08, .08, 2) * side
    mask = _random_mask(label, (side, side), centre, radius, rng)
    return _paint((side, side), [(label, mask)], rng)


def draw_scene(size: tuple[int, int], rng: np.random.Generator,
               object_sides: tuple[float, float] = OBJECT_SIDES) -> Scene:
    """Draw up to five objects that hardly overlap, over one ground of ``size`` (width, height).

    Two to five objects are drawn, but those that do not fit are left out.

    Args:
        object_sides: the smallest and the largest diameter of an object, relative to the shorter
            side of the scene. Diameters are drawn log-uniformly, and shrink if there is no room.
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
    """Write the demo sets into the folder ``root``, or reuse it if it already holds them.

    Args:
        root: the folder to write: ``classification/{train,val}/<class>``, ``coco`` and
            ``VOCdevkit``.
        crops: the number of classification pictures per class, for training and for validation.
        crop_size: their side in pixels.
        coco: the number of scenes of train2017 and of val2017.
        voc: the number of scenes of VOC2007 trainval, VOC2012 trainval and VOC2007 test.
        scene_size: width and height of a scene in pixels.
        object_sides: as in :func:`draw_scene`. 0 < smallest <= largest <= 1, and the smallest
            object is at least 4 pixels wide.
        seed: the seed of all pictures.
        progress: called with (pictures written, pictures in all).

    Returns:
        ``root`` as a path.

    Raises:
        ValueError: a parameter is out of range, or ``root`` holds something else.
    """
    # Look whether the folder holds the wanted scenes already.
    root = Path(root)
    wanted = dict(drawing=DRAWING, classes=list(SCENE_CLASSES), crops=list(crops),
                  crop_size=crop_size, coco=list(coco), voc=list(voc),
                  scene_size=list(scene_size), object_sides=list(object_sides), seed=seed)
    _check(wanted)
    if _holds(root, wanted):
        return root
    # Write to a temporary folder beside it, and rename that in one step: a folder called ``root``
    # is always complete.
    root.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(root)
    draft = root.with_name(f'.{root.name}.writing-{os.getpid()}')
    try:
        _write_all(draft, wanted, progress or (lambda done, total: None))
        try:
            draft.rename(root)
        except OSError:
            # Another process was faster. Its scenes serve as well if they are the same.
            if not _holds(root, wanted):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return root


def _place(label: int, size: tuple[int, int], others: list[np.ndarray], rng: np.random.Generator,
           object_sides: tuple[float, float]) -> np.ndarray | None:
    """Return a mask that overlaps the others little, or None if no place is found.

    The object shrinks with every attempt.
    """
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
    # Blend each object over what is there, with the mask as its opacity.
    ground = draw_colours(rng)
    pixels = texture(size, ground, rng)
    for _, mask in placed:
        fill = texture(size, draw_colours(rng, apart_from=ground), rng)
        pixels += mask[..., None] * (fill - pixels)
    # Add a random blur, then noise that is equal in all three channels.
    picture = Image.fromarray(pixels.astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, .6)))
    noisy = np.asarray(picture) + rng.normal(0, rng.uniform(1, 6), (*size[::-1], 1))
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), _objects(placed))


def _objects(placed: list[tuple[int, np.ndarray]]) -> tuple[SceneObject, ...]:
    # The last object lies on top: go from it downwards, and collect what is covered already.
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
    """Write everything but scenes.json, and yield after each picture."""
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
        faults.append(f'scene_size is at least 48 pixels per side, got {wanted["scene_size"]}')
    sides = wanted['object_sides']
    if len(sides) != 2 or not 0 < sides[0] <= sides[1] <= 1:
        faults.append('object_sides is (smallest, largest), 0 < smallest <= largest <= 1, got '
                      f'{sides}')
    elif not faults and sides[0] * min(wanted['scene_size']) < LEAST_PIXELS:
        faults.append(f'object_sides: an object is at least {LEAST_PIXELS} pixels wide, got '
                      f'{sides} of {min(wanted["scene_size"])}')
    if wanted['seed'] < 0:
        faults.append(f'seed is 0 or more, got {wanted["seed"]}')
    if faults:
        raise ValueError('write_scenes: ' + '; '.join(faults))


def _holds(root: Path, wanted: dict) -> bool:
    """Whether ``root`` holds the wanted scenes. It does not if it is absent or empty.

    Raises:
        ValueError: ``root`` holds something else.
    """
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
    """Remove the unfinished folders of processes that were killed. Those of live processes stay."""
    for draft in root.parent.glob(f'.{root.name}.writing-*'):
        pid = draft.name.rpartition('-')[2]
        if pid.isdigit() and (int(pid) == os.getpid() or not _is_running(int(pid))):
            shutil.rmtree(draft, ignore_errors=True)


def _is_running(pid: int) -> bool:
    # Signal 0 does nothing but ask whether the process exists.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
