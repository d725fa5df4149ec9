"""Search for a regime in which pretraining with ResizeMix pays on drawn scenes. This search is behind
``make demo``. It uses scenes of seed 0, and the demo reports on scenes of seed 1.

    python docs/scripts/demo_search.py work_dirs/demo-search    # forty minutes on two slow cores; resumes
    python docs/scripts/demo_search.py work_dirs/demo-search --only few-crops

Each regime is a plan: it pretrains without mixing and with ResizeMix, with three seeds each, and
trains the demo's two detectors from each. At the end, the script prints what each plan has found.
"""
import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mmresizemix.console.command import run_command
from mmresizemix.console.progress_bar import progress_bar
from mmresizemix.datasets import write_scenes
from mmresizemix.openmmlab.installed import CONFIGS
from mmresizemix.plan import carry_out
from mmresizemix.plan.demo import DATA, SCALES, SIZES

SEED = 0
PLAN = """
_base_ = '{configs}/plans/demo.py'
_regime = dict.fromkeys(_base_._epochs, {epochs})
pretrainings = [
    dict(one, config=one['config'].replace('..', '{configs}'), options={{**one['options'], **_regime}})
    for one in _base_.pretrainings if 'config' in one
]
detectors = [dict(one, config=one['config'].replace('..', '{configs}')) for one in _base_.detectors]
"""


@dataclass(frozen=True)
class Regime:
    """A regime: what it is about, the crops per class to pretrain on, and the passes over them."""
    about: str
    crops: int
    epochs: int


REGIMES = {
    'few-crops': Regime('learned by heart', 20, 38),
    'some-crops': Regime('learned by heart late', 50, 15),
    'many-crops': Regime('the demo', 150, 5),
    'long': Regime('three times as long', 150, 15),
}


def carry_out_regime(name: str, out: Path, console: Console) -> None:
    regime, root = REGIMES[name], out / name
    pictures = {**SCALES['full'][1], 'crops': (regime.crops, 100)}
    with progress_bar(f'{name}: drawing') as progress:
        scenes = write_scenes(out / f'scenes-{regime.crops}', seed=SEED, progress=progress, **SIZES, **pictures)
    os.environ[DATA] = str(scenes.resolve())
    root.mkdir(parents=True, exist_ok=True)
    plan = root / 'plan.py'
    plan.write_text(PLAN.format(configs=CONFIGS, epochs=regime.epochs), encoding='utf-8')
    carry_out(plan, root, 'local', 0, None, console)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path)
    parser.add_argument('--only', nargs='+', choices=REGIMES, default=list(REGIMES))
    args = parser.parse_args()
    for name in args.only:
        carry_out_regime(name, args.out, Console())
    for name in args.only:
        found = args.out / name / 'comparison/table.json'
        if found.is_file():
            said = json.loads(found.read_text(encoding='utf-8'))['headline']
            print(f'{name} ({REGIMES[name].about}: {REGIMES[name].crops} crops per class, {REGIMES[name].epochs} epochs): {said}')


if __name__ == '__main__':
    run_command(main, 'The same command goes on where it was.')
