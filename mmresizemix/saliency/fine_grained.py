"""Saliency by contrast alone, as SaliencyMix uses it. The method is from Montabone & Soto, "Human
detection using a mobile platform and novel features derived from a visual saliency mechanism"
(2010)."""
import torch
from torch import Tensor, nn

SURROUNDS = (12, 24, 48, 28, 56, 112)  # half sides, in pixels
LUMA = (0.299, 0.587, 0.114)


class FineGrained:
    r"""A saliency that says how far a pixel is from the mean of its surround, over six sizes.

    .. math::
        A = \frac{on}{\max on} + \frac{off}{\max off}, \quad
        on = \sum_r ReLU(g - \bar g_r), \quad off = \sum_r ReLU(\bar g_r - g)

    Here g is the brightness, smoothed twice by [1 2 1] / 4, and :math:`\bar g_r` is the mean of the
    square of half side r around the pixel, over the part of it that lies in the picture. This is
    OpenCV's ``StaticSaliencyFineGrained`` with three differences. It works in floats (OpenCV rounds
    to 8 bits three times), surrounds are centred (OpenCV's are off by one pixel), and it takes
    batches on any device.
    """

    def attach(self, model: nn.Module) -> None:
        """Do nothing, since this saliency needs no model."""

    def __repr__(self) -> str:
        return 'FineGrained()'

    def __call__(self, inputs: Tensor, scores: Tensor | None = None) -> Tensor:
        """Compute the saliency of pictures.

        Args:
            inputs: (N, C, H, W). Three channels are RGB. Any other number of channels is averaged.

        Returns:
            (N, H, W) float32 on the CPU, in 0..2.
        """
        # The brightness.
        channels = inputs.shape[1]
        share = torch.tensor(LUMA if channels == 3 else [1 / channels] * channels)
        gray = (inputs.float() * share.to(inputs.device)[:, None, None]).sum(1)
        gray = _smooth(_smooth(gray))
        # Its difference to each surround, lighter and darker apart.
        contrast = torch.stack([gray - _surround_mean(gray, r) for r in SURROUNDS])
        on, off = contrast.clamp(min=0).sum(0), (-contrast).clamp(min=0).sum(0)
        return (_over_max(on) + _over_max(off)).cpu()


def _smooth(gray: Tensor) -> Tensor:
    """Smooth by [1 2 1] / 4 along both axes. At the border, the last pixel is repeated."""
    for dim in (1, 2):
        n = gray.shape[dim]
        before, after = (gray.index_select(dim, (torch.arange(n, device=gray.device) + d).clamp(
            0, n - 1)) for d in (-1, 1))
        gray = gray / 2 + (before + after) / 4
    return gray


def _surround_mean(gray: Tensor, r: int) -> Tensor:
    """Return the mean of the square of half side ``r`` around each pixel, by an integral image."""
    # In float64, since the sums grow large.
    gray = gray.double()
    for dim in (1, 2):
        n = gray.shape[dim]
        at = torch.arange(n, device=gray.device)
        low, high = (at - r).clamp(min=0), (at + r + 1).clamp(max=n)
        total = torch.cat([torch.zeros_like(gray.narrow(dim, 0, 1)), gray.cumsum(dim)], dim)
        length = (high - low).view(-1, *[1] * (2 - dim))
        gray = (total.index_select(dim, high) - total.index_select(dim, low)) / length
    return gray.float()


def _over_max(values: Tensor) -> Tensor:
    # The least number avoids 0 / 0 for a uniform picture.
    return values / values.amax((1, 2), keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)
