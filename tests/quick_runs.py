"""Makes the many short runs of the tests begin sooner; what they train and write stays the same."""
import atexit
import functools
import gc
import sys

from mmengine.config import utils as config_utils
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from yapf.yapflib import yapf_api

format_code = yapf_api.FormatCode
_frozen = 0  # modules that were imported at the last time


def leave_configs_unformatted() -> None:
    """MMEngine lays each run's config out by yapf: up to three seconds, for a text that hardly a test looks at."""
    yapf_api.FormatCode = lambda text, **_: (text, True)


def read_indices_once() -> None:
    """MMEngine reads a hundred files of YAML for each config that stands on one of MMDetection's or MMPretrain's: half
    a second, for the same answer each time."""
    config_utils.load = functools.cache(config_utils.load)


def spare_the_collector() -> None:
    """Each data set of MMEngine makes Python's garbage collector look at everything: let it pass by what the
    imports of PyTorch and OpenMMLab have made, which takes half a second each time."""
    global _frozen
    if len(sys.modules) > _frozen + 300:
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # or Triton complains of what is left at the end
        _frozen = len(sys.modules)


def forget_other_runs() -> None:
    """MMEngine keeps loggers and visualizers by names that hold the second: of two runs that begin in one second
    of one process, the second would write into the first one's folder. So forget them before each."""
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
