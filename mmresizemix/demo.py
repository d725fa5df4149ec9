"""The whole idea, small enough for a laptop: a plan on drawn scenes, and the table it ends with."""
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from .datasets import write_scenes
from .installed import CONFIGS
from .plan import carry_out
from .progress import progress_bar

DATA = 'MMRESIZEMIX_DEMO_DATA'  # the configs of the demo read it
# plan, numbers of pictures: crops a class, scenes of COCO, scenes of VOC
SCALES: dict[str, tuple[str, dict[str, Any]]] = {
    'full': ('demo', dict(crops=(220, 50), coco=(90, 60), voc=(45, 45, 60))),
    'smoke': ('demo_smoke', dict(crops=(8, 4), coco=(16, 8), voc=(8, 8, 8))),
}


def run_demo(scale: str, console: Console) -> int:
    """Draw the scenes, carry out the plan, show the table.

    Args:
        scale: a key of :data:`SCALES`; scenes go to ``./data``, runs to ``./work_dirs``.

    Returns:
        The exit code: 0, or 1 where a step failed.
    """
    plan, pictures = SCALES[scale]
    name = plan.replace('_', '-')
    data, root = Path('data').resolve() / name, Path('work_dirs').resolve() / name
    with progress_bar('drawing the scenes') as progress:
        write_scenes(data, crop_size=48, scene_size=(96, 96), progress=progress, **pictures)
    os.environ[DATA] = str(data)
    code = carry_out(CONFIGS / 'plans' / f'{plan}.py', root, 'local', 0, None, console)
    table = root / 'comparison/table.md'
    if table.is_file():
        first = table.read_text(encoding='utf-8').split('\n\n')[1]
        console.print(f'\n{first}', highlight=False, markup=False, soft_wrap=True)
        console.print('\nIn percent: top-1 on crops, COCO AP, VOC mAP, on drawn scenes: a '
                      'demonstration, not a result.', highlight=False, soft_wrap=True)
    console.print(f'Scenes: {data}\nRuns and their logs: {root}', highlight=False, soft_wrap=True)
    return code
