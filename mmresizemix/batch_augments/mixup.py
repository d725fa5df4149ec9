"""Mixup (arXiv 1710.09412): both pictures, blended."""

from .base import BatchAugment, beta_quantile, check_alpha
from .mix import Mix


class Mixup(BatchAugment):
    r"""Blend whole pictures and their labels by λ.

    .. math::
        \lambda \sim Beta(\alpha, \alpha), \quad
        I_m = \lambda I_s + (1 - \lambda) I_t, \quad
        l_m = \lambda l_s + (1 - \lambda) l_t

    from `mixup: Beyond Empirical Risk Minimization <https://arxiv.org/abs/1710.09412>`_.

    Args:
        alpha (float): of the Beta distribution, above 0. Defaults to 1.0.
        per (str): 'sample' draws λ for each sample, 'batch' once, as published.
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
        """λ ~ Beta(α, α) is the weight of every pixel."""
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob = self._uniform(draws, 2)
        lam = beta_quantile(u_lam, self.alpha)[:, None, None]
        return self._whole(self._partners(batch_size), size, lam, u_prob < self.prob)
