"""The fixtures and options that all tests share."""
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from forked_python import forked_python
from quick_runs import begin_sooner, forget_other_runs, forget_runs, spare_the_collector
from run_tool import run_tool

import mmresizemix  # noqa: F401  before mmdet: stands in for mmcv's compiled ops
from mmresizemix.console.processes import kill_children

ROOT = Path(__file__).resolve().parents[1]
# A background job of a shell ignores Ctrl-C. Without this line, the commands that tests stop by Ctrl-C would too.
signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))

SLOW_FILES = ('test_interruptions.py', 'test_kills.py', 'test_readme.py', 'test_tour.py', 'test_pipeline.py',
              'test_tutorial.py', 'test_guard.py', 'test_paper_configs.py', 'test_docs_diffs.py', 'test_budget.py',
              'test_average_precision.py', 'test_resuming.py')


def pytest_addoption(parser):
    parser.addoption('--full', action='store_true',
                     help='every test at length, every command by a Python of its own (make test-all)')


def pytest_configure(config):
    forget_other_runs()
    if not config.getoption('--full'):
        begin_sooner()


def pytest_collection_modifyitems(config, items):
    """Run the tests that take long first, so that no worker is left alone with one at the end. Tests that are marked
    as ``full`` run with --full only."""
    if not config.getoption('--full'):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker('full')])
        items[:] = [item for item in items if not item.get_closest_marker('full')]
    place = {name: i for i, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_sessionfinish():
    """Kill the children that a pool has left. Python would wait for them at its end, for ever if one hangs."""
    kill_children()


@pytest.fixture(autouse=True)
def fresh_mmengine():
    forget_runs()
    spare_the_collector()


@pytest.fixture(scope='session')
def full(pytestconfig) -> bool:
    """Whether everything runs at length (``pytest --full``)."""
    return pytestconfig.getoption('--full')


@pytest.fixture(scope='session', autouse=True)
def python_server(request, full, tmp_path_factory):
    """The server behind ``python``. It imports while the first tests run, if any test needs it."""
    if full or not any('python' in item.fixturenames for item in request.session.items):
        yield None
    else:
        with forked_python(tmp_path_factory.mktemp('python')) as ready:
            yield ready


@pytest.fixture(scope='session')
def python(python_server) -> str:
    """The path of the Python that runs commands: one that starts at once, or with --full the real one."""
    return str(python_server()) if python_server else sys.executable


@pytest.fixture
def save(tmp_path):
    """A function ``save(content)`` that writes a file by ``torch.save`` and returns its path."""

    def _save(content, name='checkpoint.pth'):
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return _save


@pytest.fixture
def tool(python):
    """A function that runs a command of tools/ as a user would: ``tool('train', CONFIG, ...)``."""
    return partial(run_tool, python)


@pytest.fixture(scope='session')
def copy_tree():
    """A function ``copy_tree(to)`` that copies the checkout's code, so that tests can work in it as a user would.
    ``edits`` says for each file what is replaced in the copy, and by what."""

    def copy(to: Path, edits: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> Path:
        for name in ('mmresizemix', 'configs', 'tools', 'tests'):
            shutil.copytree(ROOT / name, to / name, symlinks=True,
                            ignore=shutil.ignore_patterns('__pycache__'))
        for name, replaced in edits.items():
            text = (to / name).read_text()
            for old, new in replaced.items():
                assert old in text, f'{name}: {old}'
                text = text.replace(old, new)
            (to / name).write_text(text)
        return to

    return copy


@pytest.fixture(scope='session')
def run_script(python):
    """A function ``run_script(script, root)`` that runs what a document says to type. ``copy_tree`` has made ``root``.
    Errors are in ``stdout`` too."""

    def run(script: str, root: Path) -> subprocess.CompletedProcess:
        bins = [str(Path(executable).parent) for executable in (python, sys.executable)]
        environment = {**os.environ, 'PYTHONPATH': str(root), 'OMP_NUM_THREADS': '1',
                       'PATH': os.pathsep.join([*bins, os.environ['PATH']])}
        return subprocess.run(['bash', '-c', script], cwd=root, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)

    return run
