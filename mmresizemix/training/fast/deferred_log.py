"""A hook that reads losses only when the log is written, since each read waits for the GPU."""
from typing import Any

import torch
from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner

from ...registry import HOOKS


@HOOKS.register_module()
class DeferredRuntimeInfoHook(RuntimeInfoHook):
    """Pass the losses of ``interval`` iterations to the log at once.

    MMEngine's hook passes them on in every iteration. This one waits for the GPU once instead of
    ``interval`` times. The log is the same::

        default_hooks = dict(runtime_info=dict(type='mmresizemix.DeferredRuntimeInfoHook',
                                               interval=100))

    Args:
        interval: the number of iterations, equal to that of the ``LoggerHook`` or a divisor of it.
    """

    def __init__(self, interval: int = 10):
        super().__init__()
        self.interval = interval
        self._waiting: list[dict[str, Any]] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Keep what is to be logged as tensors. Read them when a line of the log is due."""
        # Losses are copied, since a compiled model may reuse their memory.
        self._waiting.append({name: value.detach().clone() if torch.is_tensor(value) else value
                              for name, value in (outputs or {}).items()})
        if self.every_n_inner_iters(batch_idx, self.interval) or self.end_of_epoch(
                runner.train_dataloader, batch_idx):
            self._hand_over(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put all that was logged before it into the checkpoint."""
        self._hand_over(runner)
        checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _hand_over(self, runner: Runner) -> None:
        # One stack and one tolist are one wait for the GPU.
        tensors = [value.reshape(()).double() for outputs in self._waiting
                   for value in outputs.values() if torch.is_tensor(value)]
        numbers = iter(torch.stack(tensors).tolist() if tensors else ())
        for outputs in self._waiting:
            for name, value in outputs.items():
                runner.message_hub.update_scalar(
                    f'train/{name}', next(numbers) if torch.is_tensor(value) else value)
        self._waiting.clear()
