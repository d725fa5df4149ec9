"""Helpers that the stand-ins share."""
from typing import Any

import torch
from torch import Tensor


def torchvision_ops() -> Any:
    """Return torchvision's kernels."""
    import torchvision  # noqa: F401  registers them
    return torch.ops.torchvision


def computable(values: Tensor) -> Tensor:
    """Return ``values`` in float32 if they are in a half precision that not all kernels support:
    bfloat16, and on the CPU float16 too."""
    known = values.is_cuda and values.dtype == torch.float16
    return values if known else at_least_single(values)


def at_least_single(values: Tensor) -> Tensor:
    """Return ``values`` in float32 if they are in half precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
