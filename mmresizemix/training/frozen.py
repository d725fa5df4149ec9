"""A hook that keeps the backbone of a detector as it is."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS


@HOOKS.register_module()
class FrozenBackboneHook(Hook):
    """Train a detector on a backbone of any architecture that does not change: its parameters get
    no gradients, and it stays in eval mode, so that BatchNorm keeps its statistics and nothing is
    dropped.

    With several processes, the config needs ``find_unused_parameters = True``, since DDP is built
    before any hook is called. ``tools/train.py --frozen`` sets both.
    """

    def before_train(self, runner: Runner) -> None:
        """Take the parameters out of training."""
        unwrapped(runner.model).backbone.requires_grad_(False)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set eval mode again. The loop sets the whole model to training at each epoch's start."""
        backbone = unwrapped(runner.model).backbone
        if backbone.training:
            backbone.eval()
