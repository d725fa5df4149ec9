"""A hook that compiles the backbone, in the memory layout that tensor cores need."""
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner

from ...openmmlab.unwrap import unwrapped
from ...registry import HOOKS, MODEL_WRAPPERS


@HOOKS.register_module()
class CompiledBackboneHook(Hook):
    """Before training, convert the weights and the optimizer's state to channels last, and compile
    ``model.backbone`` in place, so that the names in checkpoints stay the same.

    The first step and the first validation take about a minute longer, for compilation.

    Args:
        options: the options of ``torch.compile``. Defaults to ``dynamic=False``: a smaller last
            batch gets its own program, and the program of the others knows their size.
    """

    def __init__(self, **options: Any):
        self.options = options or dict(dynamic=False)

    def before_train(self, runner: Runner) -> None:
        """Convert the weights and the optimizer's state, then compile."""
        model = unwrapped(runner.model)
        model.to(memory_format=torch.channels_last)
        # The state may be resumed from a run in another layout. The fused optimizers need weights
        # and state in the same one.
        for parameter, state in runner.optim_wrapper.optimizer.state.items():
            for name, value in state.items():
                if torch.is_tensor(value) and value.shape == parameter.shape and value.ndim == 4:
                    state[name] = value.contiguous(memory_format=torch.channels_last)
        model.backbone.compile(**self.options)


@MODEL_WRAPPERS.register_module()
class ChannelsLastDDP(MMDistributedDataParallel):
    """MMEngine's DDP with its module in channels last before it makes the buckets for gradients, so
    that the buckets are laid out as the gradients will be."""

    def __init__(self, module: torch.nn.Module, **settings: Any):
        super().__init__(module.to(memory_format=torch.channels_last), **settings)
