"""Losses reach the log when it is written; reading one of them waits for the GPU."""
from typing import Any

import torch
from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner

from ..registry import HOOKS


@HOOKS.register_module()
class DeferredRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's hook, which hands every iteration's losses to the log, but ``interval`` of them at
    once: one wait for the GPU instead of ``interval``. The log is the same::

        default_hooks = dict(runtime_info=dict(type='mmresizemix.DeferredRuntimeInfoHook',
                                               interval=100))

    Args:
        interval: iterations; the ``LoggerHook``'s, or a divisor of it.
    """

    def __init__(self, interval: int = 10):
        super().__init__()
        self.interval = interval
        self._waiting: list[dict[str, Any]] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Keep what was logged as tensors; read them when a line is due."""
        # A copy: a compiled model may use the memory of a loss again.
        self._waiting.append({name: value.detach().clone() if torch.is_tensor(value) else value
                              for name, value in (outputs or {}).items()})
        if self.every_n_inner_iters(batch_idx, self.interval) or self.end_of_epoch(
                runner.train_dataloader, batch_idx):
            self._hand_over(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """A checkpoint has all that was logged before it."""
        self._hand_over(runner)
        checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _hand_over(self, runner: Runner) -> None:
        tensors = [value.reshape(()).double() for outputs in self._waiting
                   for value in outputs.values() if torch.is_tensor(value)]
        numbers = iter(torch.stack(tensors).tolist() if tensors else ())
        for outputs in self._waiting:
            for name, value in outputs.items():
                runner.message_hub.update_scalar(
                    f'train/{name}', next(numbers) if torch.is_tensor(value) else value)
        self._waiting.clear()
