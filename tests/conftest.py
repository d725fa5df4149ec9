"""What all tests share."""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import mmresizemix  # noqa: F401  before mmdet: stands in for mmcv's compiled ops

ROOT = Path(__file__).resolve().parents[1]
# A shell's background job ignores Ctrl-C, and so would the commands that tests stop by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))

SLOW_FILES = ('test_interruptions.py', 'test_kills.py', 'test_readme.py', 'test_tour.py', 'test_pipeline.py',
              'test_tutorial.py', 'test_guard.py', 'test_fast.py', 'test_resuming.py', 'test_budget.py')


def pytest_collection_modifyitems(items):
    """What takes minutes goes first, so that no worker is left alone with it at the end."""
    place = {name: i for i, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(autouse=True)
def fresh_mmengine():
    """MMEngine keeps loggers and visualizers by name: a second run in one process would write
    into the first one's folder."""

    def forget(kind):
        kind._instance_dict.clear()
        for child in kind.__subclasses__():
            forget(child)

    for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):
        forget(kind)


@pytest.fixture
def tool():
    """Run a command of tools/ as a user would: ``tool('train', CONFIG, ...)``."""

    def run(name: str, *arguments, environment: dict[str, str] | None = None,
            cwd: Path = ROOT) -> subprocess.CompletedProcess:
        command = [sys.executable, str(ROOT / f'tools/{name}.py'), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=cwd,
                              env={**os.environ, 'OMP_NUM_THREADS': '1', **(environment or {})})

    return run


@pytest.fixture(scope='session')
def copy_tree():
    """``copy_tree(to)``: a copy of the checkout's code in which to edit and run as a user would."""

    def copy(to: Path) -> Path:
        for name in ('mmresizemix', 'configs', 'tools', 'tests'):
            shutil.copytree(ROOT / name, to / name, symlinks=True,
                            ignore=shutil.ignore_patterns('__pycache__'))
        return to

    return copy


@pytest.fixture(scope='session')
def run_script():
    """``run_script(script, root)``: what a document says to type, in ``root``, made by ``copy_tree``;
    errors are in ``stdout``, too."""

    def run(script: str, root: Path) -> subprocess.CompletedProcess:
        environment = {**os.environ, 'PYTHONPATH': str(root), 'OMP_NUM_THREADS': '1',
                       'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'}
        return subprocess.run(['bash', '-c', script], cwd=root, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)

    return run
