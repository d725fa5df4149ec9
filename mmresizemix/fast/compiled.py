"""The backbone in the layout that tensor cores want, compiled."""
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner

from ..registry import HOOKS, MODEL_WRAPPERS
from ..unwrap import unwrapped


@HOOKS.register_module()
class CompiledBackboneHook(Hook):
    """Before training: weights and the optimizer's state to channels last, and
    ``torch.compile`` for ``model.backbone``, in place, so that checkpoints keep their names.

    The first step and the first validation take a minute or so, to compile.

    Args:
        options: of ``torch.compile``. By default ``dynamic=False``: a last, smaller batch gets a
            program of its own, and the others one that knows their size.
    """

    def __init__(self, **options: Any):
        self.options = options or dict(dynamic=False)

    def before_train(self, runner: Runner) -> None:
        """Change the layout of the weights, then compile."""
        model = unwrapped(runner.model)
        model.to(memory_format=torch.channels_last)
        # A state resumed from a run in another layout; the fused optimizers want one for both.
        for parameter, state in runner.optim_wrapper.optimizer.state.items():
            for name, value in state.items():
                if torch.is_tensor(value) and value.shape == parameter.shape and value.ndim == 4:
                    state[name] = value.contiguous(memory_format=torch.channels_last)
        model.backbone.compile(**self.options)


@MODEL_WRAPPERS.register_module()
class ChannelsLastDDP(MMDistributedDataParallel):
    """MMEngine's DDP, whose buckets for gradients are laid out as the gradients will be."""

    def __init__(self, module: torch.nn.Module, **settings: Any):
        super().__init__(module.to(memory_format=torch.channels_last), **settings)
