"""A hook that stops a training whose weights are not finite, before it saves a checkpoint of them.

MMEngine continues to train with NaN and ends without an error. mmdet's CheckInvalidLossHook looks
every 50 iterations, which is too late for a checkpoint in between, and it stops at a loss whose
step mixed precision has skipped.
"""
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..registry import HOOKS


class LostWeightsError(RuntimeError):
    """The error for weights that are NaN or infinite. It says when this was seen."""


@HOOKS.register_module()
class FiniteWeightsHook(Hook):
    """Check the weights every ``interval`` iterations if the loss is not finite then, and at the
    end of every epoch in any case.

    Raises:
        LostWeightsError: a parameter is not finite.
    """
    priority = 'NORMAL'  # runs before the checkpoint of the epoch is saved

    def __init__(self, interval: int = 50):
        self.interval = interval

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Check the loss every ``interval`` iterations, and the weights if it is not finite."""
        if self.every_n_inner_iters(batch_idx, self.interval):
            loss = (outputs or {}).get('loss')
            if loss is not None and not torch.isfinite(torch.as_tensor(loss)).all():
                self._look(runner, f'epoch {runner.epoch + 1}, iteration {batch_idx + 1}')

    def after_train_epoch(self, runner: Runner) -> None:
        """Check the weights before a checkpoint of them is saved."""
        self._look(runner, f'the end of epoch {runner.epoch + 1}')

    def _look(self, runner: Runner, when: str) -> None:
        # One answer for all weights, since each one read from a GPU is a wait.
        weights = [p.detach() for p in runner.model.parameters()]
        finite = torch.stack([torch.isfinite(p).all() for p in weights])
        if not finite.all():
            name = [name for name, _ in runner.model.named_parameters()][int(finite.int().argmin())]
            raise LostWeightsError(
                f'the weights are not finite at {when} ({name} first); the loss was NaN or '
                'infinite. No checkpoint of them is written. Lower the learning rate, or clip '
                'gradients')
