"""A plan of one detector on a few scenes, and what tests of faults do with it."""
import os
import subprocess
import sys
from pathlib import Path

from mmresizemix.datasets import write_scenes

ROOT = Path(__file__).resolve().parents[2]
RUN = Path('finetune/ssd/random-weights-seed-0')


def write_plan(folder: Path) -> tuple[Path, dict[str, str]]:
    """(the plan, the environment that it needs)."""
    scenes = write_scenes(folder / 'scenes', crops=(2, 2), crop_size=48, coco=(8, 4), voc=(2, 2, 2),
                          scene_size=(96, 96))
    plan = folder / 'one.py'
    plan.write_text(f'''
pretrainings = [dict(name='random weights', random=True)]
baseline = 'random weights'
detectors = [dict(name='SSD', config={str(ROOT / "configs/demo/ssd96_r18_scenes-coco.py")!r},
                  options={{'train_cfg.max_epochs': 3, 'train_cfg.val_interval': 1}})]
''')
    return plan, {**os.environ, 'MMRESIZEMIX_DEMO_DATA': str(scenes), 'PYTHONWARNINGS': 'ignore',
                  'OMP_NUM_THREADS': '1'}


def transfer(plan: Path, root: Path, environment, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, 'tools/transfer.py', str(plan), '--root', str(root), *arguments], cwd=ROOT,
        env=environment, capture_output=True, text=True, timeout=600)
