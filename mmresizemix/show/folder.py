"""A picture of mixing on any folder of pictures, without a config or a network."""
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
# The methods that need no network, by their names in lower case.
METHODS = {name.lower(): kind for name, kind in MIXES.items()
           if name in ('Mixup', 'CutMix', 'FMix', 'SaliencyMix', 'ResizeMix')}


def show_folder_mix(folder: Path, out: Path, method: str = 'resizemix', samples: int = 8,
                    seed: int = 0, size: int | None = None,
                    settings: Mapping[str, Any] | None = None) -> Path:
    """Draw ``samples`` pictures from below ``folder`` before and after mixing.

    A picture is labelled with the name of its subfolder, as if that were its class. A picture in
    ``folder`` itself is labelled with its own name.

    Args:
        out: the PNG file to write.
        method: a key of :data:`METHODS`.
        seed: the seed of the choice of pictures and of the mix.
        size: the side in pixels that their middle squares are resized to (default: 224).
        settings: arguments of the method.

    Returns:
        ``out``.

    Raises:
        ValueError: fewer than two pictures can be read, or the method has no such argument.
    """
    try:
        augment = METHODS[method](seed=seed, **(settings or {}))
    except TypeError as error:
        raise ValueError(f'{method}: {error}') from None
    # Each picture is a class of its own, so that each label shows which pictures were mixed.
    pictures, names = _some(folder, samples, size or 224, seed)
    as_seen = Normalisation()
    before, scores = as_seen.apply(pictures), torch.eye(len(names))
    heat = None if augment.saliency is None else augment.saliency(before, scores)
    mix = augment.draw_for(before, scores)
    after, mixed_scores = augment.apply(mix, before, scores)
    return show_mix(out, mix, before=pictures, after=as_seen.undo(after), scores_before=scores,
                    scores_after=mixed_scores, classes=names, title=title_of(augment),
                    saliency=heat)


def _some(folder: Path, samples: int, side: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Read up to ``samples`` random pictures. Return them as (N, side, side, 3) uint8 RGB, and
    their names."""
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)
    pictures: list[np.ndarray] = []
    names: list[str] = []
    for i in np.random.default_rng(seed).permutation(len(paths)):
        if len(pictures) == samples:
            break
        try:
            pictures.append(read_square(paths[i], side))
        except PictureError as error:
            # One broken file does not matter: the next one takes its place.
            print(f'left out: {error}', file=sys.stderr)
            continue
        names.append(paths[i].stem if paths[i].parent == folder else paths[i].parent.name)
    if len(pictures) < 2:
        raise ValueError(f'{folder}: expected at least two pictures ({", ".join(SUFFIXES)}) in it '
                         f'or below, and --samples of at least 2, got {len(pictures)}')
    return np.stack(pictures), names
