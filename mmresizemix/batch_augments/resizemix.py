"""ResizeMix (arXiv 2012.11101), which resizes the whole source and pastes it at a random place."""
import torch
from torch import Tensor

from .base import BatchAugment, check, check_choice, check_scale_range
from .mix import Mix
from .paste import INTERPOLATIONS
from .regions import shifted


class ResizeMix(BatchAugment):
    r"""Resize the whole source picture by τ, paste it into the target and mix the labels by area.

    .. math::
        \tau \sim U(\alpha, \beta), \quad
        P = T(I_s), \quad
        I_m = Paste(P, I_t, R_r), \quad
        l_m = \lambda l_s + (1 - \lambda) l_t, \quad
        \lambda = \frac{W_P H_P}{W H} = \tau^2

    The method is from `ResizeMix: Mixing Data with Preserved Object Information and True Labels
    <https://arxiv.org/abs/2012.11101>`_, Sec. 4 and A.1. The patch keeps the picture's aspect ratio
    and lies wholly inside. Its sides are ⌊τW⌋ and ⌊τH⌋ as in the authors' code (at least 1), and λ
    is the exact relative area of those pixels.

    ``per='batch', interpolation='nearest'`` equals the authors' released code with two exceptions.
    Pairs never join a sample with itself, and the last fraction of a pixel differs: their sampling
    grid ends up to 1/τ source pixels short of the far edge.

    mmpretrain's augment of the same name is another method. There, 0.1 to 0.8 is the *target's*
    label weight, and patches are clipped and squashed.

    Args:
        scale_range (tuple[float, float]): (α, β), the range of the patch's side over the
            picture's, 0 < α <= β <= 1. Defaults to (0.1, 0.8).
        per (str): 'sample' draws one τ per sample, 'batch' one per batch (the place is drawn per
            sample in both cases). Defaults to 'sample'.
        placement (str): 'shifted' draws the patch's centre uniformly over the picture and shifts
            the box inside (eqs. 12-14). Two patches in three then touch a border. 'uniform' draws
            the patch's corner uniformly. Defaults to 'shifted'.
        interpolation (str): 'bilinear' or 'nearest'. Defaults to 'bilinear'.
        antialias (bool): whether to low-pass the source before shrinking it, for 'bilinear' only.
            Defaults to False.
        prob (float): the probability that a sample (the batch if ``per='batch'``) is mixed.
            Defaults to 1.0.
        inplace (bool): whether to overwrite the caller's batch. Defaults to False.
        seed (int, optional): the seed of the augment's own generator. None means torch's initial
            seed.
        num_classes (int, optional): the number of classes. Integer labels need it, and labels of
            another width are refused.

    Raises:
        ValueError: an argument is not as above.

    Example:
        >>> import torch
        >>> from mmresizemix import ResizeMix
        >>> mixed, scores = ResizeMix()(torch.rand(8, 3, 64, 64), torch.eye(8))
    """

    def __init__(self, scale_range: tuple[float, float] = (0.1, 0.8), per: str = 'sample',
                 placement: str = 'shifted', interpolation: str = 'bilinear',
                 antialias: bool = False, prob: float = 1.0, inplace: bool = False,
                 seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check_scale_range(scale_range)
        check_choice('placement', placement, ('shifted', 'uniform'))
        check_choice('interpolation', interpolation, INTERPOLATIONS)
        check('antialias', antialias, "a bool, True only with interpolation='bilinear'",
              isinstance(antialias, bool) and not (antialias and interpolation != 'bilinear'))
        self.scale_range, self.placement = tuple(scale_range), placement
        self.interpolation, self.antialias = interpolation, antialias

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        """Draw τ ~ U(α, β) and a random place for the whole source, resized by τ (Sec. 3.2)."""
        H, W = size
        alpha, beta = self.scale_range
        u_tau, u_prob, u_x, u_y = self._uniform(batch_size, 4)
        if self.per == 'batch':
            u_tau, u_prob = u_tau[:1].expand(batch_size), u_prob[:1].expand(batch_size)

        # Patch sizes, places, and empty boxes for the samples that are not mixed.
        tau = alpha + (beta - alpha) * u_tau
        W_P, H_P = ((tau * side).long().clamp(min=1) for side in (W, H))
        x, y = self._corner(u_x, W, W_P), self._corner(u_y, H, H_P)
        target = torch.stack((x, y, x + W_P, y + H_P), dim=1)
        target[u_prob >= self.prob] = 0
        source = torch.tensor([[0, 0, W, H]]).expand(batch_size, 4)
        return Mix(self._partners(batch_size), source, target, size)

    def _corner(self, u: Tensor, side: int, patch: Tensor) -> Tensor:
        """Return where patches of length ``patch`` begin on a picture of length ``side``."""
        if self.placement == 'uniform':
            return (u * (side - patch + 1)).long()
        return shifted((u * side).long(), side, patch)
