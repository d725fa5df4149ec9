"""In which regime does mixing pay on drawn scenes? The search behind ``make demo``, on scenes of
seed 0; the demo reports on those of seed 1.

    python docs/demo_search.py work_dirs/demo-search            # hours on one core; goes on where it was
    python docs/demo_search.py work_dirs/demo-search --only few-crops

Each regime is a plan: pretraining without mixing and with ResizeMix, three seeds each, and the
demo's detectors from each. Ends with a table, a line per regime.
"""
import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from mmresizemix.datasets import write_scenes
from mmresizemix.plan import carry_out
from mmresizemix.progress import progress_bar

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs/demo'
SIDE, SCENE = 32, (96, 96)
SAMPLES = 20_000  # of a pretraining: a minute on one core
CLASSES = 6


@dataclass(frozen=True)
class Regime:
    """Crops per class to pretrain on; settings of the two configs."""
    crops: int
    samples: int = SAMPLES
    pretrain: dict[str, Any] = field(default_factory=dict)
    mix: dict[str, Any] = field(default_factory=dict)
    detect: dict[str, Any] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        return round(self.samples / (CLASSES * self.crops))


REGIMES = {
    'few-crops': Regime(30),
    'some-crops': Regime(120),
    'many-crops': Regime(400),
}


def plan_of(regime: Regime, seeds: list[int]) -> str:
    options = {'train_cfg.max_epochs': regime.epochs, 'param_scheduler.T_max': regime.epochs,
               'train_cfg.val_interval': regime.epochs, 'train_dataloader.batch_size': 32,
               'train_dataloader.dataset.pipeline.1.scale': SIDE, **regime.pretrain}
    detect = {'train_cfg.max_epochs': 10, 'train_cfg.val_interval': 10, **regime.detect}
    return f'''
pretrainings = [
    dict(name='baseline', config='{CONFIGS}/resnet18_scenes.py', options={options}, seeds={seeds}),
    dict(name='ResizeMix', config='{CONFIGS}/resnet18-resizemix_scenes.py',
         options={ {**options, **regime.mix} }, seeds={seeds}),
    dict(name='random weights', random=True, seeds={seeds}),
]
detectors = [
    dict(name='SSD', config='{CONFIGS}/ssd96_r18_scenes-coco.py', options={detect}),
]
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path)
    parser.add_argument('--only', nargs='+', choices=REGIMES, default=list(REGIMES))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    args = parser.parse_args()
    console = Console()
    for name in args.only:
        regime, root = REGIMES[name], args.out / name
        with progress_bar(f'{name}: drawing') as progress:
            scenes = write_scenes(args.out / f'scenes-{regime.crops}', crops=(regime.crops, 100),
                                  crop_size=SIDE, coco=(90, 150), voc=(0, 0, 0),
                                  scene_size=SCENE, progress=progress)
        os.environ['MMRESIZEMIX_DEMO_DATA'] = str(scenes.resolve())
        root.mkdir(parents=True, exist_ok=True)
        (root / 'plan.py').write_text(plan_of(regime, args.seeds))
        carry_out(root / 'plan.py', root, 'local', 0, None, console)
    for name in args.only:
        table = args.out / name / 'comparison/table.md'
        print(f'{name}: {REGIMES[name]}\n{table.read_text().split("## ")[1]}')


if __name__ == '__main__':
    main()
