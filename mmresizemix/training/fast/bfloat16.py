"""An optimizer wrapper for mixed precision without loss scaling."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper

from ...registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Run forward passes under bfloat16 autocast, on a GPU or a CPU. Weights stay float32.

    bfloat16 has float32's range, so that nothing is scaled. No step waits to find out whether a
    gradient overflowed, as a step of MMEngine's ``AmpOptimWrapper`` does.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Autocast to bfloat16 within the block."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
