"""Make the many short runs of the tests begin sooner. What they train and write stays the same."""
import atexit
import copy
import functools
import gc
import os
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.config import utils as config_utils
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, runner
from mmengine.visualization import Visualizer
from yapf.yapflib import yapf_api

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
format_code = yapf_api.FormatCode
_frozen = 0  # how many modules were imported at the last freeze


def begin_sooner() -> None:
    """Do once per process what MMEngine does for each run or config, or leave it away."""
    _leave_configs_unformatted()
    _describe_the_machine_once()
    _read_indices_once()
    _read_configs_once()


def _leave_configs_unformatted() -> None:
    """Keep MMEngine from formatting each run's config by yapf. That takes up to three seconds, and hardly any test
    looks at the text."""
    yapf_api.FormatCode = lambda text, **_: (text, True)


def _describe_the_machine_once() -> None:
    """Collect the versions of the machine's compilers and libraries once. Each run logs them, and asks ``gcc``."""
    runner.collect_env = functools.cache(runner.collect_env)


def _read_indices_once() -> None:
    """Read the model indices of MMDetection and MMPretrain once. MMEngine reads a hundred YAML files for each config
    that inherits from theirs, which takes half a second and gives the same answer each time."""
    config_utils.load = functools.cache(config_utils.load)


def _read_configs_once() -> None:
    """Read each of our configs, and of those that they inherit, once per process and environment. The tests of configs
    read each several times, which takes up to half a second each time. Files that a test may write are read anew."""
    read = Config._file2dict
    read_once = functools.cache(lambda filename, environment, **options: read(filename, **options))
    kept = (str(CONFIGS), *{str(Path(path).resolve()) for path in sys.path if path.endswith('site-packages')})

    def file2dict(filename, use_predefined_variables=True, use_environment_variables=True, lazy_import=None):
        options = dict(use_predefined_variables=use_predefined_variables,
                       use_environment_variables=use_environment_variables, lazy_import=lazy_import)
        path = os.path.realpath(filename)
        if not path.startswith(kept):
            return read(filename, **options)
        ours = tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith('MMRESIZEMIX')))
        return copy.deepcopy(read_once(os.path.abspath(filename), ours, **options))

    Config._file2dict = staticmethod(file2dict)


def spare_the_collector() -> None:
    """Let Python's garbage collector pass by what the imports of PyTorch and OpenMMLab have made. Each data set of
    MMEngine makes the collector look at everything, which takes half a second each time."""
    global _frozen
    if len(sys.modules) > _frozen + 300:
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # without this, Triton complains at exit about objects that are left
        _frozen = len(sys.modules)


def forget_other_runs() -> None:
    """Make MMEngine forget its loggers and visualizers before each run. It keeps them by names that hold the time in
    seconds. If two runs of one process begin in the same second, the later one would write into the earlier one's
    folder."""
    from_cfg = Runner.from_cfg

    def forget_and_build(cfg):
        forget_runs()
        return from_cfg(cfg)

    Runner.from_cfg = forget_and_build


def forget_runs() -> None:
    """Let MMEngine forget the loggers, visualizers and scopes that it knows."""

    def forget(kind):
        kind._instance_dict.clear()
        for child in kind.__subclasses__():
            forget(child)

    for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):
        forget(kind)
