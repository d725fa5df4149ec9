"""The paper's study of saliency (Sec. 3, Table 1): where to cut a patch, and where to paste it."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..saliency import build_saliency
from .base import BatchAugment, check, check_choice, check_scale_range
from .mix import Mix
from .paste import INTERPOLATIONS
from .regions import salient_pixel, shifted

SALIENT = ('salient', 'non_salient')
SOURCE_REGIONS = ('random', *SALIENT, 'whole')
PASTE_REGIONS = ('corresponding', 'random', *SALIENT)


class PatchMix(BatchAugment):
    r"""Cut a patch from a region of the source, or resize the whole source, and paste it into a
    region of the target. Mix the labels by area. This gives the rows of Table 1.

    .. math::
        \tau \sim U(\alpha, \beta), \quad W_P = \tau W, \quad H_P = \tau H, \quad
        I_m = Paste(P, I_t, R), \quad l_m = \lambda l_s + (1 - \lambda) l_t

    The centre of a region is a pixel of C_s or C_ns, the pixels where the model's heatmap A is
    largest or least (eqs. 10 and 11), or any pixel. The region is then shifted inside the picture
    (eqs. 12-14). The paper does not say how large the cut patches were. Here their sides have the
    distribution of the resized ones, so that rows differ in one thing only.

    ===  =============  ===============
    row  source_region  paste_region
    ===  =============  ===============
    2    random         corresponding
    3    random         non_salient
    4    random         salient
    5    random         random
    6    non_salient    random
    7    salient        random
    8    random         random
    9    whole          random
    ===  =============  ===============

    Row 2 has CutMix's regions but not its sizes (use :class:`CutMix` for those). Row 8 is the same
    as row 5. Row 9 is :class:`ResizeMix`.

    Args:
        source_region (str): 'random', 'salient' or 'non_salient', a region that is cut out, or
            'whole', the whole picture, which is resized.
        paste_region (str): 'corresponding' (where the patch was in the source), 'random',
            'salient' or 'non_salient'.
        scale_range (tuple[float, float]): (α, β), the range of τ, 0 < α <= β <= 1.
            Defaults to (0.1, 0.8).
        saliency (dict): see :mod:`mmresizemix.saliency`. Defaults to the paper's,
            ``dict(type='GradCAM')``. It is computed only if a region needs it.
        per (str): 'sample' draws one τ per sample, 'batch' one per batch.
            Defaults to 'sample'.
        interpolation (str): 'bilinear' or 'nearest', for a whole source. Cut patches are copied.
            Defaults to 'bilinear'.
        prob (float): the probability that a sample (the batch if ``per='batch'``) is mixed.
            Defaults to 1.0.
        inplace (bool): whether to overwrite the caller's batch. Defaults to False.
        seed (int, optional): the seed of the augment's own generator. None means torch's initial
            seed.
        num_classes (int, optional): the number of classes. Integer labels need it, and labels of
            another width are refused.

    Raises:
        ValueError: an argument is not as above, or a whole source is to be pasted at the
            corresponding place, which it does not have.
    """

    def __init__(self, source_region: str, paste_region: str,
                 scale_range: tuple[float, float] = (0.1, 0.8),
                 saliency: Mapping[str, Any] | Callable = dict(type='GradCAM'),
                 per: str = 'sample', interpolation: str = 'bilinear', prob: float = 1.0,
                 inplace: bool = False, seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check_choice('source_region', source_region, SOURCE_REGIONS)
        check_choice('paste_region', paste_region, PASTE_REGIONS)
        check('paste_region', paste_region,
              "a region other than 'corresponding' for a whole source",
              (source_region, paste_region) != ('whole', 'corresponding'))
        check_scale_range(scale_range)
        check_choice('interpolation', interpolation, INTERPOLATIONS)
        self.source_region, self.paste_region = source_region, paste_region
        self.scale_range = tuple(scale_range)
        self.interpolation = interpolation if source_region == 'whole' else 'nearest'
        saliency = build_saliency(saliency)
        self.saliency = saliency if {source_region, paste_region} & set(SALIENT) else None

    def draw(self, batch_size: int, size: tuple[int, int], saliency: Tensor | None = None) -> Mix:
        """Draw τ ~ U(α, β), a region of the source, and a region of the target.

        Args:
            saliency: (N, H, W), A of each picture, or None if no region needs it.
        """
        H, W = size
        alpha, beta = self.scale_range
        # All numbers are drawn, needed or not, so that every setting draws the same τ from a seed.
        u_tau, u_prob, *u_source, u_x, u_y = self._uniform(batch_size, 6)
        if self.per == 'batch':
            u_tau, u_prob = u_tau[:1].expand(batch_size), u_prob[:1].expand(batch_size)
        partner = self._partners(batch_size)

        # The patch's size.
        tau = alpha + (beta - alpha) * u_tau
        W_P, H_P = ((tau * side).long().clamp(min=1) for side in (W, H))
        patch = W_P, H_P
        # What is cut.
        if self.source_region == 'whole':
            source = torch.tensor([[0, 0, W, H]]).expand(batch_size, 4)
        else:
            of_source = None if saliency is None else saliency[partner]
            source = _region(self.source_region, u_source, patch, size, of_source)
        # Where it goes.
        if self.paste_region == 'corresponding':
            target = source.clone()
        else:
            target = _region(self.paste_region, (u_x, u_y), patch, size, saliency)
        target[u_prob >= self.prob] = 0
        return Mix(partner, source, target, size)


def _region(kind: str, u: Sequence[Tensor], patch: tuple[Tensor, Tensor], size: tuple[int, int],
            A: Tensor | None) -> Tensor:
    """Return (N, 4) boxes of ``patch`` (W_P, H_P) pixels. ``kind`` chooses R_r, R_s or R_ns."""
    H, W = size
    W_P, H_P = patch
    if kind == 'random':
        x, y = (u[0] * W).long(), (u[1] * H).long()
    elif A is None:
        raise ValueError(f'saliency: expected maps (N, H, W) for a {kind} region, got None')
    else:
        x, y = salient_pixel(A if kind == 'salient' else -A, u[0])
    x, y = shifted(x, W, W_P), shifted(y, H, H_P)
    return torch.stack((x, y, x + W_P, y + H_P), dim=1)
