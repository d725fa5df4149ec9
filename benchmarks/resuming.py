"""Measure how far the weights of a killed and resumed training are from those of an uninterrupted
one.

    python benchmarks/resuming.py            # on a GPU if there is one, else on the CPU

On a CPU they are equal, and tests check this. On a GPU, the difference depends on the kernels.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from loops import device_name
from side_by_side import keep

from mmresizemix.datasets import write_scenes
from mmresizemix.transfer import load_checkpoint

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/demo/resnet18-resizemix_scenes.py'
QUESTION = 'Killed and resumed, or not: the weights after 3 epochs'
EPOCHS, PATIENCE = 3, 600
WAYS = {'as configured': [], '--fast': ['--fast'], 'deterministic kernels': [
    '--cfg-options', 'randomness.deterministic=True', 'env_cfg.cudnn_benchmark=False']}


def command(work_dir: Path, words: list[str]) -> list[str]:
    # The second schedule is the cosine, after the warm-up.
    options = [f'train_cfg.max_epochs={EPOCHS}', f'param_scheduler.1.T_max={EPOCHS}']
    if '--cfg-options' not in words:
        words = [*words, '--cfg-options']
    return [sys.executable, str(ROOT / 'tools/train.py'),
            str(CONFIG), '--work-dir', str(work_dir),
            '--seed', '0', '--resume', *words, *options]


def straight(work_dir: Path, words: list[str]) -> dict[str, torch.Tensor]:
    done = subprocess.run(command(work_dir, words), capture_output=True, text=True,
                          timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f'{work_dir.name}: {done.stderr.strip().splitlines()[-1:]}')
    return load_checkpoint(work_dir / f'epoch_{EPOCHS}.pth')['state_dict']


def killed(work_dir: Path, words: list[str]) -> dict[str, torch.Tensor]:
    # A session of its own lets the signal reach the workers of the loaders too.
    process = subprocess.Popen(command(work_dir, words), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    began = time.time()
    while not (work_dir / 'epoch_1.pth').is_file() and process.poll() is None:
        if time.time() - began > PATIENCE:
            raise TimeoutError(f'{work_dir}: no epoch_1.pth')
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if (work_dir / f'epoch_{EPOCHS}.pth').is_file():
        raise RuntimeError(f'{work_dir.name}: it had ended before it was killed')
    return straight(work_dir, words)


def apart(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """Return the norm of the difference of all weights over the norm of the weights ``a``."""
    pairs = [(a[k].double(), b[k].double()) for k in a if a[k].is_floating_point()]
    difference = sum(float((x - y).square().sum()) for x, y in pairs)
    return (difference / sum(float(x.square().sum()) for x, _ in pairs))**0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--crops', type=int, default=220,
                        help='crops per class (default: %(default)s)')
    args = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ['MMRESIZEMIX_DEMO_DATA'] = str(write_scenes(
            root / 'scenes', crops=(args.crops, 10), coco=(0, 0), voc=(0, 0, 0)))
        for name, words in WAYS.items():
            # Two equal trainings show how far apart the weights are because of the kernels alone.
            one, again = (straight(root / f'{name}-{i}', words) for i in (1, 2))
            found[name] = dict(repeated=apart(one, again),
                               resumed=apart(one, killed(root / f'{name}-killed', words)))
            print(f'{name}: {found[name]}, relative to the weights', flush=True)
            keep('resuming', dict(question=QUESTION, setting=device_name(), apart=found))


if __name__ == '__main__':
    main()
