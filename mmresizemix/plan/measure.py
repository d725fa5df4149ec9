"""Measure what a config costs: the time of a few steps, and the size of its checkpoint."""
import io
import statistics
import time
from itertools import islice, pairwise
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..openmmlab.config_parts import class_of, section
from ..openmmlab.strict_loading import load_strictly
from ..training.fast import use_fast_training
from ..training.launch import build_runner
from ..training.options import GUARD
from ..training.protocols import set_protocol
from .cost import Cost

WARM_UP = 3  # steps that are not counted


class _Measured(Exception):
    """Raised to end the run when enough has been measured."""

    def __init__(self, cost: Cost):
        super().__init__('measured')
        self.cost = cost


class _Measure(Hook):
    priority = 'LOWEST'

    def __init__(self, steps: int):
        self.steps = steps
        self.times: list[float] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        # CUDA runs asynchronously: without this wait, only the launch of a step would be timed.
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())
        last = batch_idx + 1 == len(runner.train_dataloader)
        if len(self.times) > WARM_UP + self.steps or last:
            raise _Measured(self._cost(runner))

    def _cost(self, runner: Runner) -> Cost:
        steps = [b - a for a, b in zip(self.times, self.times[1:])]
        loop = runner.train_loop
        # Ask for the memory before the validation below: only training is meant.
        memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
        val_step, val_steps = self._validate(runner)
        return Cost(statistics.median(steps[WARM_UP:] or steps or [0.0]),
                    len(runner.train_dataloader), loop.max_epochs, val_step, val_steps,
                    -(-loop.max_epochs // loop.val_interval), _checkpoint_bytes(runner), memory)

    def _validate(self, runner: Runner) -> tuple[float, int]:
        loader = runner.val_loop.dataloader
        runner.model.eval()
        with torch.no_grad():
            times = [time.perf_counter()]
            for batch in islice(loader, self.steps):
                runner.model.val_step(batch)
                times.append(time.perf_counter())
        steps = [b - a for a, b in pairwise(times)]
        # The first step also waits for the loader to start.
        return statistics.median(steps[1:] or steps), len(loader)


def _checkpoint_bytes(runner: Runner) -> int:
    buffer = io.BytesIO()
    torch.save(dict(state_dict=runner.model.state_dict(),
                    optimizer=runner.optim_wrapper.state_dict()), buffer)
    return buffer.tell()


def measure(cfg: Config, steps: int, frozen: bool = False,
            label_fraction: float | None = None) -> Cost:
    """Train for ``steps`` steps and validate for as many. Nothing is kept, and no backbone file is
    needed.

    Args:
        frozen, label_fraction: see :func:`mmresizemix.training.protocols.set_protocol`.

    Raises:
        ValueError: ``steps`` is less than 1.
        RuntimeError: the data set gives no step at all.
    """
    if steps < 1:
        raise ValueError(f'steps: expected at least 1, got {steps}')
    with TemporaryDirectory() as scratch:
        cfg.work_dir = scratch
        # The time of a step does not depend on the weights, so drop what asks for a backbone file.
        if 'backbone' in cfg.model:
            cfg.model.backbone.init_cfg = None
        if cfg.get('fast'):
            use_fast_training(cfg)
        section(cfg, 'randomness').seed = 0  # the cost depends on none
        set_protocol(cfg, frozen, label_fraction)
        cfg.custom_hooks = [h for h in cfg.get('custom_hooks') or [] if class_of(h) != GUARD]
        load_strictly()
        runner = build_runner(cfg)
        # The hook runs last in a step, and raises when it has seen enough.
        runner.register_hook(_Measure(steps), priority='LOWEST')
        try:
            runner.train()
        except _Measured as measured:
            return measured.cost
    raise RuntimeError('the data set does not give a single step')
