"""The positions of patches: around a centre, clipped at the border or shifted inside, or at a
salient pixel."""
import torch
from torch import Tensor


def shifted(centre: Tensor, side: int, patch: Tensor) -> Tensor:
    """Return where patches of length ``patch`` around ``centre`` begin after they are shifted
    inside a picture of length ``side`` (paper, eqs. 12-14)."""
    return torch.minimum((centre - patch // 2).clamp(min=0), side - patch)


def clipped(centre: Tensor, side: int, cut: Tensor) -> tuple[Tensor, Tensor]:
    """Return both ends of boxes of length ``cut`` around ``centre``, clipped to a picture of length
    ``side`` (CutMix)."""
    return (centre - cut // 2).clamp(0, side), (centre + cut // 2).clamp(0, side)


def salient_pixel(activation: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Choose one of C_s = {(x, y) | A(x, y) >= max A} (paper, eqs. 10 and 11), all equally likely.

    Args:
        activation: (N, H, W), A. For -A, the pixel is one of C_ns.
        u: (N,) in [0, 1), a uniform number that chooses one of them.

    Returns:
        x and y, (N,) int64.
    """
    width = activation.shape[-1]
    activation = activation.flatten(1)
    salient = activation >= activation.amax(1, keepdim=True)
    chosen = (u * salient.sum(1)).long()
    # The index of the chosen salient pixel is the number of pixels before it.
    pixel = (salient.cumsum(1) <= chosen[:, None]).sum(1)
    return pixel % width, pixel // width
