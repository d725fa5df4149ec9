"""Plans of few and short runs, and what the tests of faults do with them."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import torch
from thin_networks import SSD96

from mmresizemix.datasets import write_scenes
from mmresizemix.plan.demo import SCALES, SIZES
from mmresizemix.transfer import load_checkpoint

ROOT = Path(__file__).resolve().parents[1]
RUN = Path('finetune/ssd/random-weights-seed-0')
HALF = """
pretrainings, detectors, baseline = pretrainings[1:], detectors[:1], 'random weights'
"""


def write_plan(folder: Path, python: str, pictures: int = 8, settings: str = '',
               **options) -> tuple[Path, dict[str, str]]:
    """Write a plan, and return (the plan, the environment that it needs).

    Args:
        python: the Python that runs it.
        pictures: how many pictures to train on, four per step.
        settings: more lines of the plan.
        options: options of the detector's config.
    """
    scenes = write_scenes(folder / 'scenes', crops=(2, 2), crop_size=48, coco=(pictures, 4),
                          voc=(2, 2, 2), scene_size=(96, 96))
    options = {'train_cfg.max_epochs': 3, 'train_cfg.val_interval': 1, **SSD96, **options}
    plan = folder / 'one.py'
    plan.write_text(f'''
pretrainings = [dict(name='random weights', random=True)]
baseline = 'random weights'
detectors = [dict(name='SSD', config={str(ROOT / "configs/demo/ssd96_r18_scenes-coco.py")!r},
                  options={options})]
{settings}''')
    return plan, _environment(scenes, python)


def write_smoke_plan(folder: Path, whole: bool = True) -> Path:
    """Write ``configs/plans/demo_smoke.py`` into ``folder``, where a test may write beside it. If not ``whole``, the
    plan has only one of its pretrainings, random weights, and one detector."""
    plans = ROOT / 'configs/plans'
    plan = folder / 'smoke.py'
    plan.write_text(f'''
_base_ = {str(plans / 'demo_smoke.py')!r}
_plans = {str(plans)!r}
pretrainings = [dict(one, config=_plans + '/' + one['config']) if 'config' in one else one
                for one in _base_.pretrainings]
detectors = [dict(one, config=_plans + '/' + one['config']) for one in _base_.detectors]
{'' if whole else HALF}''')
    return plan


def smoke_environment(folder: Path, python: str) -> dict[str, str]:
    """Return the environment that the smoke plan needs. Its scenes are drawn in ``folder``, and ``python`` runs it."""
    scenes = write_scenes(folder, **SIZES, **SCALES['smoke'][1])
    return _environment(scenes, python)


def _environment(scenes: Path, python: str) -> dict[str, str]:
    return {**os.environ, 'MMRESIZEMIX_DEMO_DATA': str(scenes), 'PYTHONWARNINGS': 'ignore', 'OMP_NUM_THREADS': '1',
            'PYTHON': python}


def transfer(plan: Path, root: Path, environment, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run(_command(plan, root, environment, arguments), cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=600)


def start(plan: Path, root: Path, environment, *arguments) -> subprocess.Popen:
    """Start tools/transfer.py in the background. What it prints is in ``stdout``, errors too."""
    return subprocess.Popen(_command(plan, root, environment, arguments), cwd=ROOT, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _command(plan: Path, root: Path, environment, arguments) -> list[str]:
    return [environment['PYTHON'], 'tools/transfer.py', str(plan), '--root', str(root), *arguments]


def wait_for_line(command: subprocess.Popen, log: Path, pattern: str, seconds: float = 600) -> None:
    """Wait until ``log`` has a line with ``pattern``."""
    began = time.monotonic()
    while not (log.is_file() and re.search(pattern, log.read_text(encoding='utf-8'))):
        assert command.poll() is None, command.stdout.read()
        assert time.monotonic() - began < seconds, f'never: {pattern} in {log}'
        time.sleep(0.1)


def processes(root: Path) -> list[int]:
    """Return every process that works under ``root``: the command, its stages and their loaders."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if str(root) in (folder / 'cmdline').read_bytes().decode(errors='replace'):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def assert_same_checkpoint(one: Path, two: Path) -> None:
    """Check that weights, optimizer and schedules are equal, bit for bit."""
    ours, theirs = load_checkpoint(one), load_checkpoint(two)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_equal(ours[part], theirs[part], f'{one}: {part}')


def assert_equal(value, other, place=''):
    assert type(value) is type(other), place
    if isinstance(value, torch.Tensor):
        assert torch.equal(value, other), place
    elif isinstance(value, dict):
        assert set(value) == set(other), place
        for k in value:
            assert_equal(value[k], other[k], f'{place}.{k}')
    elif isinstance(value, (list, tuple)):
        assert len(value) == len(other), place
        for i, (one, two) in enumerate(zip(value, other)):
            assert_equal(one, two, f'{place}.{i}')
    else:
        assert value == other, place
