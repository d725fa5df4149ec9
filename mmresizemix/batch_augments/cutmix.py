"""CutMix (arXiv 1905.04899): a box of the source, pasted at the same place of the target."""
import torch
from torch import Tensor

from .base import BatchAugment, beta_quantile, check_alpha
from .mix import Mix
from .regions import clipped


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
        check_alpha(alpha)
        self.alpha = alpha

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        """λ ~ Beta(α, α); a box of sides √(1 - λ), cut and pasted in the same place."""
        H, W = size
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob, u_x, u_y = self._uniform(draws, 4)

        box = self._box(u_lam, (u_x * W).long(), (u_y * H).long(), size)
        box[u_prob >= self.prob] = 0
        box = box.expand(batch_size, 4)
        return Mix(self._partners(batch_size), box, box, size)

    def _box(self, u_lam: Tensor, x: Tensor, y: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, 4) boxes around (x, y), clipped at the border."""
        H, W = size
        ratio = (1 - beta_quantile(u_lam, self.alpha)).sqrt()
        x1, x2 = clipped(x, W, (W * ratio).long())
        y1, y2 = clipped(y, H, (H * ratio).long())
        return torch.stack((x1, y1, x2, y2), dim=1)
