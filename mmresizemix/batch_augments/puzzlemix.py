"""Puzzle Mix (arXiv 2009.06962), which finds an optimal mask and moves blocks to fit it."""
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..saliency import build_saliency
from .base import BatchAugment, beta_quantile, check, check_alpha, is_integer, is_number
from .mix import Mix
from .puzzle import optimal_moves, optimal_shares

CELL = 4  # the side in pixels of the cells by which borders are compared


class PuzzleMix(BatchAugment):
    r"""Give each of B x B blocks the share of the source that keeps most of both pictures'
    saliency, then move each picture's blocks to where they are visible.

    .. math::
        I_m = z \odot \Pi_s I_s + (1 - z) \odot \Pi_t I_t, \quad
        \lambda = \frac{1}{n} \sum_i z_i, \quad z_i \in \{0, 1/m, \ldots, 1\}

    .. math::
        z = argmin \sum_i (1 - z_i) s_i + z_i t_i
        + \beta' \sum_{ij} (z_i - z_j)^2 + \gamma \phi_{ij}(z_i, z_j)
        - \frac{\eta}{n} \sum_i \log p(z_i)

    .. math::
        \Pi_s = argmax \sum_j z_j s_{\Pi_s(j)} - \xi |j - \Pi_s(j)|^2 / (B - 1)^2

    (and the same for the target, with t and 1 - z). s and t are the saliencies of the source's and
    the target's blocks, each with the sum 1. i and j are neighbours, φ is how far the pictures
    differ across the border that they then have, and p is binomial with mean λ ~ Beta(α, α). The
    method is from `Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup
    <https://arxiv.org/abs/2009.06962>`_, Sec. 4, with the settings of its code for CIFAR.
    β' = β / 16B is from its code. Both problems are solved exactly here, by a minimum cut and by an
    assignment. The authors' code approximates them.

    Args:
        alpha (float): the parameter of the Beta distribution, above 0. Defaults to 1.0.
        blocks (Sequence[int]): the values of B, at least 2. One that divides both sides is drawn
            per batch. Defaults to (2, 4, 8, 16).
        levels (int): m, at least 1. Defaults to 2.
        beta (float): β, how much smooth shares count, at least 0. Defaults to 1.2.
        gamma (float): γ, how much smooth pictures count, at least 0. Defaults to 0.5.
        eta (float): η, how much it counts that shares have the drawn mean, at least 0.
            Defaults to 0.2.
        xi (float): ξ, the cost of moving, at least 0. None means that nothing is moved.
            Defaults to 0.8.
        move_blocks (int): the least number of blocks per side for moving, at least 1. B is doubled
            until it is reached, as far as the sides can be divided. Defaults to 8.
        saliency (dict): see :mod:`mmresizemix.saliency`. Defaults to the paper's,
            ``dict(type='InputGradient')``.
        pixel_std (Sequence[float], optional): the standard deviation of each channel that pictures
            were divided by, over 255. Defaults to that of the attached model's
            ``data_preprocessor``, or else to 1.
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
        ValueError: an argument is not as above, or none of ``blocks`` divides a picture's sides.
        ImportError: PyMaxflow is not installed.
    """

    def __init__(self, alpha: float = 1.0, blocks: Sequence[int] = (2, 4, 8, 16), levels: int = 2,
                 beta: float = 1.2, gamma: float = 0.5, eta: float = 0.2, xi: float | None = 0.8,
                 move_blocks: int = 8,
                 saliency: Mapping[str, Any] | Callable = dict(type='InputGradient'),
                 pixel_std: Sequence[float] | None = None, per: str = 'sample', prob: float = 1.0,
                 inplace: bool = False, seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check_alpha(alpha)
        check('blocks', blocks, 'integers >= 2', isinstance(blocks, (tuple, list))
              and len(blocks) > 0 and all(is_integer(b, 2) for b in blocks))
        check('levels', levels, 'an integer >= 1', is_integer(levels, 1))
        for name, value in dict(beta=beta, gamma=gamma, eta=eta, xi=xi or 0).items():
            check(name, value, 'a number >= 0', is_number(value) and value >= 0)
        check('move_blocks', move_blocks, 'an integer >= 1', is_integer(move_blocks, 1))
        self.alpha, self.blocks, self.levels = alpha, tuple(blocks), levels
        self.beta, self.gamma, self.eta, self.xi = beta, gamma, eta, xi
        self.move_blocks, self.pixel_std = move_blocks, pixel_std
        self.saliency = build_saliency(saliency)

    def attach(self, model: nn.Module) -> None:
        """Attach the model and read its preprocessor's std, which restores the scale of pixels."""
        super().attach(model)
        std = getattr(getattr(model, 'data_preprocessor', None), 'std', None)
        if self.pixel_std is None and std is not None:
            self.pixel_std = (std.flatten() / 255).tolist()

    def draw_for(self, inputs: Tensor, scores: Tensor) -> Mix:
        """Compute where the pictures are salient, then draw."""
        std = inputs.new_tensor(self.pixel_std or [1.])[:, None, None]
        H, W = inputs.shape[-2:]
        return self.draw(len(inputs), (H, W), self.saliency(inputs, scores), inputs * std)

    def draw(self, batch_size: int, size: tuple[int, int], saliency: Tensor,
             pictures: Tensor) -> Mix:
        """Draw λ ~ Beta(α, α) and B, then find the best shares and moves for them.

        Args:
            saliency: (N, H, W) at least 0.
            pictures: (N, C, H, W) in 0..1, up to a constant per channel.
        """
        fitting = [b for b in self.blocks if all(side % b == 0 for side in size)]
        check('blocks', self.blocks, f'a number that divides {size[0]} and {size[1]}, the sides of '
              'the pictures', bool(fitting))
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob = self._uniform(draws, 2)
        B = fitting[int(torch.randint(len(fitting), (), generator=self.generator))]
        partner = self._partners(batch_size)

        lam = beta_quantile(u_lam, self.alpha).expand(batch_size)
        z = self._shares(lam, partner, B, saliency=saliency, pictures=pictures)
        moves = None if self.xi is None else self._moves(z, partner, saliency, self.xi)
        return self._whole(partner, size, _enlarged(z, size).float(), u_prob < self.prob, moves)

    def _shares(self, lam: Tensor, partner: Tensor, B: int, *, saliency: Tensor,
                pictures: Tensor) -> Tensor:
        """Return z, (N, B, B), the shares that minimise the cost."""
        t = _block_saliency(saliency, B)
        # The saliency that is lost by a block that shows the target, or the source.
        lost = torch.stack([t[partner], t])
        beta = self.beta / (16 * B)
        smooth = []
        for axis, D in enumerate(_border_differences(pictures, partner, B), start=2):
            # φ of fractional shares is split. What is linear in a share goes to the block's own
            # cost. The rest is quadratic in z_i - z_j and is added to β'. A cut needs a sum of at
            # least 0.
            half = beta * self.gamma / 2 * D
            lost.narrow(axis, 0, B - 1).add_(half.sum(1))
            lost.narrow(axis, 1, B - 1).add_(half.sum(0))
            rest = half[0, 1] + half[1, 0] - half[0, 0] - half[1, 1]
            smooth.append((beta + rest).clamp(min=0))

        # The cost of each level: the saliency lost, and how unlikely the level is.
        share = torch.arange(self.levels + 1, dtype=torch.float64) / self.levels
        log_p = _log_binomial(self.levels, lam)[:, None, None]
        cost = (1 - share) * lost[0, ..., None] + share * lost[1, ..., None]
        return optimal_shares(cost - self.eta / B**2 * log_p, *smooth)

    def _moves(self, z: Tensor, partner: Tensor, saliency: Tensor, xi: float) -> Tensor:
        """Return Π_s and Π_t, (2, N, T * T). The T x T blocks are those of z, halved until there
        are ``move_blocks`` per side, as far as the sides of the pictures can be divided."""
        T = z.shape[-1]
        while T < self.move_blocks and all(side % (2 * T) == 0 for side in saliency.shape[-2:]):
            T *= 2
        z, t = _enlarged(z, (T, T)), _block_saliency(saliency, T)
        return torch.stack([optimal_moves(z, t[partner], xi), optimal_moves(1 - z, t, xi)])


def _block_saliency(saliency: Tensor, B: int) -> Tensor:
    """Average (N, H, W) over blocks, to (N, B, B) float64 with the sum 1. If nothing is salient,
    all blocks are equal."""
    pooled = F.adaptive_avg_pool2d(saliency.double()[:, None], B)[:, 0]
    total = pooled.sum((1, 2), keepdim=True)
    return torch.where(total > 0, pooled / total.clamp(min=torch.finfo(torch.double).tiny), B**-2)


def _border_differences(pictures: Tensor, partner: Tensor, B: int) -> tuple[Tensor, Tensor]:
    """Compute how far pictures differ across the borders of blocks.

    Returns:
        D of vertical and of horizontal neighbours, (2, 2, N, B - 1, B) and (2, 2, N, B, B - 1)
        float64. D[a, b] is the mean absolute difference over channels and along the border if the
        first block shows picture a and the second picture b. 0 is the target, 1 the source.
    """
    found = []
    # Horizontal neighbours are the vertical neighbours of the transposed pictures.
    for transposed in (False, True):
        x = pictures.transpose(2, 3) if transposed else pictures
        sides = [side // B for side in x.shape[2:]]
        # Average over cells, whose sides divide those of the blocks.
        cells = [math.gcd(side, CELL) for side in sides]
        x = F.avg_pool2d(x.float(), cells).cpu().double()
        # The last row of cells of each block but the last, and the first of each but the first.
        each = sides[0] // cells[0]
        above, below = x[:, :, each - 1::each][:, :, :-1], x[:, :, each::each]
        above, below = (torch.stack([edge, edge[partner]]) for edge in (above, below))
        # Compare all four combinations of target and source.
        D = (above[:, None] - below[None]).abs().mean(3)
        D = D.unflatten(-1, (B, -1)).mean(-1)
        found.append(D.transpose(3, 4) if transposed else D)
    return found[0], found[1]


def _log_binomial(m: int, lam: Tensor) -> Tensor:
    """Return (N, m + 1), log p of 0..m successes in m trials with probability ``lam`` (N,)."""
    k = torch.arange(m + 1, dtype=torch.float64)
    choose = torch.tensor([math.comb(m, int(i)) for i in k], dtype=torch.float64).log()
    # λ may be 0 or 1, where a logarithm is infinite.
    lam = lam[:, None].clamp(1e-8, 1 - 1e-8)
    return choose + k * lam.log() + (m - k) * (1 - lam).log()


def _enlarged(z: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge (N, B, B) to (N, H, W), with one value per block."""
    for axis, side in enumerate(size, start=1):
        z = z.repeat_interleave(side // z.shape[axis], axis)
    return z
