"""A demonstration on drawn scenes, small enough for a laptop. It carries out a plan and shows the
result."""
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from ..console.progress_bar import progress_bar
from ..datasets import write_scenes
from ..openmmlab.installed import CONFIGS
from ..report.formats import markdown_table
from ..report.table import Table
from . import carry_out

DATA = 'MMRESIZEMIX_DEMO_DATA'  # a variable that the demo's configs read
SEED = 1  # the scenes of seed 0 were used to choose the demo's sizes
# In pixels. An object that fills a crop fills a quarter to a half of a scene's side.
SIZES: dict[str, Any] = dict(crop_size=32, scene_size=(64, 64), object_sides=(.25, .55))
# The plan, and the numbers of pictures: crops per class, scenes of COCO, scenes of VOC.
SCALES: dict[str, tuple[str, dict[str, Any]]] = {
    'full': ('demo', dict(crops=(150, 50), coco=(200, 120), voc=(40, 40, 120))),
    'smoke': ('demo_smoke', dict(crops=(8, 4), coco=(16, 8), voc=(8, 8, 8))),
}


def run_demo(scale: str, console: Console, seed: int = SEED) -> int:
    """Draw the scenes, carry out the plan, and print the result and the first table.

    Args:
        scale: a key of :data:`SCALES`. Scenes are written to ``./data``, runs to ``./work_dirs``.
        seed: the seed of the scenes.

    Returns:
        The exit code, 0, or 1 if a step failed.
    """
    plan, pictures = SCALES[scale]
    name = plan.replace('_', '-') + ('' if seed == SEED else f'-seed-{seed}')
    data, root = Path('data').resolve() / name, Path('work_dirs').resolve() / name
    # Draw the scenes where the configs look for them.
    with progress_bar('drawing the scenes') as progress:
        write_scenes(data, seed=seed, progress=progress, **SIZES, **pictures)
    os.environ[DATA] = str(data)
    # Train and compare, then print the result if the plan came that far.
    code = carry_out(CONFIGS / 'plans' / f'{plan}.py', root, 'local', 0, None, console)
    found = root / 'comparison/table.json'
    if found.is_file():
        said = json.loads(found.read_text(encoding='utf-8'))
        first = markdown_table(Table(**said['tables'][0])).rstrip()
        for text in (said['headline'], first,
                     'In percent: top-1 on crops, COCO AP and VOC mAP on drawn scenes. This is a '
                     'demonstration, not a result about photographs.'):
            console.print(f'\n{text}', highlight=False, markup=False, soft_wrap=True)
    console.print(f'Scenes: {data}\nRuns and their logs: {root}', highlight=False, soft_wrap=True)
    return code
