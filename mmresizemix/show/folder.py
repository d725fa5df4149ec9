"""Mixing, seen on any folder of pictures: no config, no network."""
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..loading import PictureError
from .classifier import Normalisation, read_square
from .methods import MIXES
from .mixed_batch import show_mix, title_of

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
# those that need no network: 'resizemix' -> ResizeMix
METHODS = {name.lower(): kind for name, kind in MIXES.items()
           if name in ('Mixup', 'CutMix', 'FMix', 'SaliencyMix', 'ResizeMix')}


def show_folder_mix(folder: Path, out: Path, method: str = 'resizemix', samples: int = 8,
                    seed: int = 0, size: int | None = None,
                    settings: Mapping[str, Any] | None = None) -> Path:
    """Draw ``samples`` pictures from below ``folder`` before and after mixing. They are called by
    the folder they are in, as classes are, or by their own name.

    Args:
        out: the PNG to write.
        method: a key of :data:`METHODS`.
        seed: which pictures, which mix.
        size: the side that their middle squares are brought to, in pixels (default: 224).
        settings: arguments of the method.

    Raises:
        ValueError: fewer than two pictures can be read, or the method has no such argument.
    """
    try:
        augment = METHODS[method](seed=seed, **(settings or {}))
    except TypeError as error:
        raise ValueError(f'{method}: {error}') from None
    pictures, names = _some(folder, samples, size or 224, seed)
    as_seen = Normalisation()
    before, scores = as_seen.apply(pictures), torch.eye(len(names))
    heat = None if augment.saliency is None else augment.saliency(before, scores)
    mix = augment.draw_for(before, scores)
    after, mixed_scores = augment.apply(mix, before, scores)
    return show_mix(out, mix, pictures, as_seen.undo(after), scores, mixed_scores, names,
                    title_of(augment), heat)


def _some(folder: Path, samples: int, side: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """(N, side, side, 3) uint8 RGB, and what each is called."""
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)
    pictures: list[np.ndarray] = []
    names: list[str] = []
    for i in np.random.default_rng(seed).permutation(len(paths)):
        if len(pictures) == samples:
            break
        try:
            pictures.append(read_square(paths[i], side))
        except PictureError as error:
            print(f'left out: {error}', file=sys.stderr)
            continue
        names.append(paths[i].stem if paths[i].parent == folder else paths[i].parent.name)
    if len(pictures) < 2:
        raise ValueError(f'{folder}: expected at least two pictures ({", ".join(SUFFIXES)}) in it '
                         f'or below, and --samples of at least 2, got {len(pictures)}')
    return np.stack(pictures), names
