"""SaliencyMix (arXiv 2006.01791), which is CutMix with its box where the source is salient."""
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ..saliency import build_saliency
from .cutmix import CutMix
from .mix import Mix


class SaliencyMix(CutMix):
    r"""Cut a box around the source's most salient pixel and paste it at the same place.

    .. math::
        \lambda' \sim Beta(\alpha, \alpha), \quad
        W_P = W \sqrt{1 - \lambda'}, \quad H_P = H \sqrt{1 - \lambda'}, \quad
        (x, y) = argmax A(I_s)

    The method is from `SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better
    Regularization <https://arxiv.org/abs/2006.01791>`_. As published, the box is clipped at the
    border, and the label weight is the relative area of what is left of the box.

    Args:
        alpha (float): the parameter of the Beta distribution, above 0. Defaults to 1.0.
        saliency (dict): see :mod:`mmresizemix.saliency`. Defaults to the paper's,
            ``dict(type='FineGrained')``.
        per (str): 'sample' draws one box per sample, 'batch' one per batch, around the salient
            pixel of the first sample's source, as published. Defaults to 'sample'.
        prob (float): the probability that a sample (the batch if ``per='batch'``) is mixed. The
            authors mix half of CIFAR's batches and all of ImageNet's. Defaults to 1.0.
        inplace (bool): whether to overwrite the caller's batch. Defaults to False.
        seed (int, optional): the seed of the augment's own generator. None means torch's initial
            seed.
        num_classes (int, optional): the number of classes. Integer labels need it, and labels of
            another width are refused.

    Raises:
        ValueError: an argument is not as above.
    """

    def __init__(self, alpha: float = 1.0,
                 saliency: Mapping[str, Any] | Callable = dict(type='FineGrained'),
                 per: str = 'sample', prob: float = 1.0, inplace: bool = False,
                 seed: int | None = None, num_classes: int | None = None):
        super().__init__(alpha, per, prob, inplace, seed, num_classes)
        self.saliency = build_saliency(saliency)

    def draw(self, batch_size: int, size: tuple[int, int],  # type: ignore[override]
             saliency: Tensor) -> Mix:
        """Draw λ ~ Beta(α, α) and a box around the most salient pixel of the source.

        Args:
            saliency: (N, H, W), A of each picture.
        """
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob = self._uniform(draws, 2)
        partner = self._partners(batch_size)

        peak = saliency[partner[:draws]].flatten(1).argmax(1)
        box = self._box(u_lam, peak % size[1], peak // size[1], size)
        box[u_prob >= self.prob] = 0
        box = box.expand(batch_size, 4)
        return Mix(partner, box, box, size)
