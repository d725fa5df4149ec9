"""Run steps of MMEngine's training loop, with all its hooks, loaders and logs."""
import itertools
import tempfile
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import Runner

from mmresizemix.training.launch import build_runner

STEPS, FEW_STEPS = 10, 2  # steps per round, and per round of a rehearsal


def read(config: str, scope: str) -> Config:
    """Read a config by its path, or by ``package::path``, for a run that does not evaluate."""
    cfg = get_config(config) if '::' in config else Config.fromfile(config)
    cfg.default_scope, cfg.log_level, cfg.work_dir = scope, 'WARNING', tempfile.mkdtemp()
    cfg.experiment_name = cfg.work_dir  # MMEngine keeps logs by this name
    for part in ('val', 'test'):
        cfg[f'{part}_dataloader'] = cfg[f'{part}_cfg'] = cfg[f'{part}_evaluator'] = None
    return cfg


def steps_of(cfg: Config, count: int = STEPS) -> tuple[Callable[[], None], Runner]:
    """Return (a function that trains for ``count`` more steps, the runner with its loop built)."""
    # These are the parts of Runner.train() before its first step. The loop itself would run to the
    # end of the training.
    runner = build_runner(cfg)
    runner.model.train()
    loop = runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    runner.optim_wrapper.initialize_count_status(runner.model, 0, loop.max_iters)
    for hook in ('before_run', 'before_train', 'before_train_epoch'):
        runner.call_hook(hook)
    batches, numbers = iter(loop.dataloader), itertools.count()

    def steps() -> None:
        for _ in range(count):
            loop.run_iter(next(numbers), next(batches))

    return steps, runner


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else 'a CPU'


def wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
