"""Where patches lie: around a centre, clipped at the border or shifted inside; salient pixels."""
import torch
from torch import Tensor


def shifted(centre: Tensor, side: int, patch: Tensor) -> Tensor:
    """Where patches of length ``patch`` around ``centre`` begin once they are moved inside a
    picture of length ``side`` (paper, eqs. 12-14)."""
    return torch.minimum((centre - patch // 2).clamp(min=0), side - patch)


def clipped(centre: Tensor, side: int, cut: Tensor) -> tuple[Tensor, Tensor]:
    """Both ends of boxes of length ``cut`` around ``centre``, clipped to the picture (CutMix)."""
    return (centre - cut // 2).clamp(0, side), (centre + cut // 2).clamp(0, side)


def salient_pixel(activation: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """One of C_s = {(x, y) | A(x, y) >= max A} (paper, eqs. 10 and 11), each as likely.

    Args:
        activation: (N, H, W), A. Of -A, the pixel is one of C_ns.
        u: (N,) in [0, 1), which of them.

    Returns:
        x and y, (N,) int64.
    """
    width = activation.shape[-1]
    activation = activation.flatten(1)
    salient = activation >= activation.amax(1, keepdim=True)
    chosen = (u * salient.sum(1)).long()
    pixel = (salient.cumsum(1) <= chosen[:, None]).sum(1)
    return pixel % width, pixel // width
