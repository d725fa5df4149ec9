"""FMix (arXiv 2002.12047), which mixes by a mask of smooth, random shape."""
import torch
from torch import Tensor

from .base import BatchAugment, beta_quantile, check, check_alpha, is_number
from .mix import Mix


class FMix(BatchAugment):
    r"""Mix by a binary mask that is made from random low frequencies.

    .. math::
        \lambda \sim Beta(\alpha, \alpha), \quad
        Z \sim N(0, 1)^{2}, \quad
        G = Re F^{-1}(Z / \max(f, 1 / \max(H, W))^{\delta})

    where f is the frequency in cycles per pixel. The source is visible at the λHW pixels where G is
    largest. The method is from `FMix: Enhancing Mixed Sample Data Augmentation
    <https://arxiv.org/abs/2002.12047>`_, Sec. 4. λHW is rounded up or down at random, and the label
    weight is the exact share of those pixels.

    Args:
        alpha (float): the parameter of the Beta distribution, above 0. Defaults to 1.0.
        decay_power (float): δ, how fast the high frequencies fall off, at least 0. Defaults to 3.0.
        per (str): 'sample' draws one mask per sample, 'batch' one per batch, as published.
            Defaults to 'sample'.
        prob (float): the probability that a sample (the batch if ``per='batch'``) is mixed.
            Defaults to 1.0.
        inplace (bool): whether to overwrite the caller's batch. Defaults to False.
        seed (int, optional): the seed of the augment's own generator. None means torch's initial
            seed.
        num_classes (int, optional): the number of classes. Integer labels need it, and labels of
            another width are refused.

    Raises:
        ValueError: an argument is not as above.
    """

    def __init__(self, alpha: float = 1.0, decay_power: float = 3.0, per: str = 'sample',
                 prob: float = 1.0, inplace: bool = False, seed: int | None = None,
                 num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check_alpha(alpha)
        check('decay_power', decay_power, 'a number >= 0',
              is_number(decay_power) and decay_power >= 0)
        self.alpha, self.decay_power = alpha, decay_power

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        """Draw λ ~ Beta(α, α) and, as the weight, a mask of low frequencies with that mean."""
        H, W = size
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob, u_round = self._uniform(draws, 3)

        # Adding a uniform number before truncation rounds up or down at random.
        pixels = (beta_quantile(u_lam, self.alpha) * H * W + u_round).long().clamp(max=H * W)
        mask = _largest(self._smooth_noise(draws, size), pixels)
        return self._whole(self._partners(batch_size), size, mask, u_prob < self.prob)

    def _smooth_noise(self, draws: int, size: tuple[int, int]) -> Tensor:
        """Return G, (draws, H, W) float32."""
        H, W = size
        # G is real, so that half of the spectrum determines it.
        f = torch.hypot(torch.fft.fftfreq(H)[:, None], torch.fft.rfftfreq(W)[None])
        Z = torch.randn(draws, *f.shape, 2, generator=self.generator)
        Z = torch.view_as_complex(Z) / f.clamp(min=1 / max(H, W)) ** self.decay_power
        return torch.fft.irfft2(Z, size)


def _largest(G: Tensor, pixels: Tensor) -> Tensor:
    """Return (N, H, W) float32 masks that are 1 at the ``pixels`` (N,) largest pixels of each G."""
    flat = G.flatten(1)
    mask = torch.zeros_like(flat)
    # topk takes one count for all rows, so that each field is handled alone.
    for field, row, count in zip(flat, mask, pixels.tolist()):
        row[field.topk(count, sorted=False).indices] = 1
    return mask.view_as(G)
