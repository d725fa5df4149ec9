"""Mixed precision without loss scaling."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper

from ..registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Forward passes under bfloat16 autocast, on a GPU or a CPU; weights stay float32.

    bfloat16 has float32's range, so nothing is scaled, and no step waits to learn whether a
    gradient overflowed, as MMEngine's ``AmpOptimWrapper`` does.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Autocast to bfloat16 within."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
