"""CutMix (arXiv 1905.04899): a box of the source, pasted at the same place of the target."""
import torch
from torch import Tensor

from .base import BatchAugment, check, is_number
from .mix import Mix


class CutMix(BatchAugment):
    r"""Cut a box from the source picture, paste it at the same place, mix the labels by area.

    .. math::
        \lambda' \sim Beta(\alpha, \alpha), \quad
        W_P = W \sqrt{1 - \lambda'}, \quad H_P = H \sqrt{1 - \lambda'}

    from `CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features
    <https://arxiv.org/abs/1905.04899>`_. As published, the box's centre is uniform over the
    picture and the box is clipped at the border; the label weight is the area of what is left.

    Args:
        alpha (float): of the Beta distribution, above 0. Defaults to 1.0.
        per (str): 'sample' draws a box for each sample, 'batch' one for the batch, as published.
            Defaults to 'sample'.
        prob (float): the probability that a sample (``per='batch'``: the batch) is mixed.
            Defaults to 1.0.
        inplace (bool): overwrite the caller's batch. Defaults to False.
        seed (int, optional): of the augment's own generator; None: torch's initial seed.
        num_classes (int, optional): the width of the labels made from integer labels; by default
            the largest in the batch plus one.

    Raises:
        ValueError: an argument is not as above.
    """

    def __init__(self, alpha: float = 1.0, per: str = 'sample', prob: float = 1.0,
                 inplace: bool = False, seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check('alpha', alpha, 'a number > 0', is_number(alpha) and alpha > 0)
        self.alpha = alpha

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        H, W = size
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob, u_x, u_y = self._uniform(draws, 4)

        ratio = (1 - self._beta_quantile(u_lam)).sqrt()
        x1, x2 = self._clipped(u_x, W, (W * ratio).long())
        y1, y2 = self._clipped(u_y, H, (H * ratio).long())
        box = torch.stack((x1, y1, x2, y2), dim=1)
        box[u_prob >= self.prob] = 0
        box = box.expand(batch_size, 4)
        return Mix(self._partners(batch_size), box, box, size)

    def _beta_quantile(self, u: Tensor) -> Tensor:
        """Beta(α, α) from uniforms by inversion: torch's own sampler takes no generator."""
        if self.alpha == 1:
            return u
        from scipy.special import betaincinv
        return torch.from_numpy(betaincinv(self.alpha, self.alpha, u.numpy()))

    @staticmethod
    def _clipped(u: Tensor, side: int, cut: Tensor) -> tuple[Tensor, Tensor]:
        """Both ends of boxes of length ``cut`` around uniform centres, clipped to the picture."""
        centre = (u * side).long()
        return (centre - cut // 2).clamp(0, side), (centre + cut // 2).clamp(0, side)
