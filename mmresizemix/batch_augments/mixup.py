"""Mixup (arXiv 1710.09412), which blends two whole pictures."""

from .base import BatchAugment, beta_quantile, check_alpha
from .mix import Mix


class Mixup(BatchAugment):
    r"""Blend whole pictures and their labels by λ.

    .. math::
        \lambda \sim Beta(\alpha, \alpha), \quad
        I_m = \lambda I_s + (1 - \lambda) I_t, \quad
        l_m = \lambda l_s + (1 - \lambda) l_t

    The method is from `mixup: Beyond Empirical Risk Minimization
    <https://arxiv.org/abs/1710.09412>`_.

    Args:
        alpha (float): the parameter of the Beta distribution, above 0. Defaults to 1.0.
        per (str): 'sample' draws one λ per sample, 'batch' one per batch, as published.
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
        """Draw λ ~ Beta(α, α) as the weight of all pixels of a sample."""
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob = self._uniform(draws, 2)
        lam = beta_quantile(u_lam, self.alpha)[:, None, None]
        return self._whole(self._partners(batch_size), size, lam, u_prob < self.prob)
