"""CutMix (arXiv 1905.04899), which pastes a box of the source at the same place of the target."""
import torch
from torch import Tensor

from .base import BatchAugment, beta_quantile, check_alpha
from .mix import Mix
from .regions import clipped


class CutMix(BatchAugment):
    r"""Cut a box from the source picture, paste it at the same place and mix the labels by area.

    .. math::
        \lambda' \sim Beta(\alpha, \alpha), \quad
        W_P = W \sqrt{1 - \lambda'}, \quad H_P = H \sqrt{1 - \lambda'}

    The method is from `CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
    Features <https://arxiv.org/abs/1905.04899>`_. As published, the box's centre is uniform over
    the picture and the box is clipped at the border. The label weight is the relative area of what
    is left of the box.

    Args:
        alpha (float): the parameter of the Beta distribution, above 0. Defaults to 1.0.
        per (str): 'sample' draws one box per sample, 'batch' one per batch, as published.
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

    def __init__(self, alpha: float = 1.0, per: str = 'sample', prob: float = 1.0,
                 inplace: bool = False, seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check_alpha(alpha)
        self.alpha = alpha

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        """Draw λ ~ Beta(α, α) and a box whose sides are √(1 - λ) of the picture's. It is cut and
        pasted at the same place."""
        H, W = size
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob, u_x, u_y = self._uniform(draws, 4)

        box = self._box(u_lam, (u_x * W).long(), (u_y * H).long(), size)
        box[u_prob >= self.prob] = 0
        box = box.expand(batch_size, 4)
        # paste() recognises by the identity of the two boxes that nothing has to be resized.
        return Mix(self._partners(batch_size), box, box, size)

    def _box(self, u_lam: Tensor, x: Tensor, y: Tensor, size: tuple[int, int]) -> Tensor:
        """Return (N, 4) boxes around (x, y), clipped at the border."""
        H, W = size
        ratio = (1 - beta_quantile(u_lam, self.alpha)).sqrt()
        x1, x2 = clipped(x, W, (W * ratio).long())
        y1, y2 = clipped(y, H, (H * ratio).long())
        return torch.stack((x1, y1, x2, y2), dim=1)
