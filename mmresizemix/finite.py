"""Stop a training whose weights are lost, before a checkpoint of them is written.

MMEngine trains on with NaN and ends well. mmdet's CheckInvalidLossHook looks every 50 iterations,
too late for a checkpoint in between, and stops at a loss that mixed precision had skipped.
"""
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .registry import HOOKS


class LostWeightsError(RuntimeError):
    """Weights are NaN or infinite; says when it was seen."""


@HOOKS.register_module()
class FiniteWeightsHook(Hook):
    """Look at the weights every ``interval`` iterations if the loss is not finite, and at the end
    of every epoch in any case.

    Raises:
        LostWeightsError: a parameter is not finite.
    """
    priority = 'NORMAL'  # before the checkpoint of the epoch is written

    def __init__(self, interval: int = 50):
        self.interval = interval

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Look at the loss, every ``interval`` steps."""
        if self.every_n_inner_iters(batch_idx, self.interval):
            loss = (outputs or {}).get('loss')
            if loss is not None and not torch.isfinite(torch.as_tensor(loss)).all():
                self._look(runner, f'epoch {runner.epoch + 1}, iteration {batch_idx + 1}')

    def after_train_epoch(self, runner: Runner) -> None:
        """Look at the weights, before a checkpoint has them."""
        self._look(runner, f'the end of epoch {runner.epoch + 1}')

    def _look(self, runner: Runner, when: str) -> None:
        weights = [p.detach() for p in runner.model.parameters()]
        finite = torch.stack([torch.isfinite(p).all() for p in weights])
        if not finite.all():
            name = [name for name, _ in runner.model.named_parameters()][int(finite.int().argmin())]
            raise LostWeightsError(
                f'the weights are not finite at {when} ({name} first); the loss was NaN or '
                'infinite. No checkpoint of them is written. Lower the learning rate, or clip '
                'gradients')
