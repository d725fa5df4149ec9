"""The value that a batch augment draws, to be looked at, logged, replayed or written by hand."""
import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mix:
    """A drawn mix. It says for each sample whose picture is pasted, which part of it, where, and
    how strongly.

    Boxes are (x1, y1, x2, y2) in pixels, x2 and y2 exclusive. An empty target box leaves its sample
    unmixed. Methods that blend or mask instead of pasting boxes set ``weight``. Puzzle Mix also
    moves blocks, by ``moves``.

    Args:
        partner: (N,) int64, the sample that each sample takes its patch from. It is a sample of the
            batch, or of an earlier batch if ``from_history``.
        source: (N, 4) int64, the part of the partner that is taken.
        target: (N, 4) int64, where it is pasted. If its size differs from that of ``source``, the
            part is resized to fit.
        size: (H, W) of the pictures, in pixels.
        weight: (N, H, W) or (N, 1, 1) float in 0..1, the source's share of each pixel (Mixup,
            FMix, Puzzle Mix). Source boxes must then be whole pictures, and target boxes whole
            pictures or empty. None means 1.
        moves: (2, N, B * B) int64, for the source and the target: which of the picture's B x B
            blocks each block shows, row by row. B divides both sides. It needs a ``weight``. None
            means that each block shows itself.
        from_history: whether patches and their labels come from an earlier batch (RecursiveMix).

    Raises:
        ValueError: a field is not as above, for example a box leaves the picture or has x2 < x1 or
            y2 < y1.
    """
    partner: Tensor
    source: Tensor
    target: Tensor
    size: tuple[int, int]
    weight: Tensor | None = None
    moves: Tensor | None = None
    from_history: bool = False

    def __post_init__(self) -> None:
        n = len(self.partner)
        # Partners are samples of the batch.
        if self.partner.shape != (n, ) or not ((0 <= self.partner) & (self.partner < n)).all():
            raise ValueError(f'partner: expected {n} sample numbers in 0..{n - 1}, '
                             f'got {self.partner.tolist()}')
        height, width = self.size
        # Boxes lie inside the picture.
        for name, boxes in (('source', self.source), ('target', self.target)):
            if boxes.shape != (n, 4):
                raise ValueError(f'{name}: expected boxes of shape {(n, 4)}, '
                                 f'got {tuple(boxes.shape)}')
            x1, y1, x2, y2 = boxes.unbind(1)
            inside = ((0 <= x1) & (x1 <= x2) & (x2 <= width)
                      & (0 <= y1) & (y1 <= y2) & (y2 <= height))
            if not inside.all():
                raise ValueError(f'{name}: box (x1, y1, x2, y2) {boxes[~inside][0].tolist()} '
                                 f'is not inside a picture of {width} x {height}')
        # The optional fields.
        if self.weight is not None:
            self._check_weight(n, self.weight)
        if self.moves is not None:
            self._check_moves(n, self.moves)

    def _check_weight(self, n: int, weight: Tensor) -> None:
        height, width = self.size
        shape = tuple(weight.shape)
        if shape not in ((n, height, width), (n, 1, 1)):
            raise ValueError(f'weight: expected shape {(n, height, width)} or {(n, 1, 1)}, '
                             f'got {shape}')
        if not ((weight >= 0) & (weight <= 1)).all():
            raise ValueError('weight: expected shares in 0..1, got '
                             f'{weight.min():g}..{weight.max():g}')
        whole = torch.tensor([0, 0, width, height])
        if not ((self.source == whole).all()
                and ((self.target == whole) | (self.target == 0)).all()):
            raise ValueError('weight: expected boxes of whole pictures with it')

    def _check_moves(self, n: int, moves: Tensor) -> None:
        height, width = self.size
        if self.weight is None:
            raise ValueError('moves: expected a weight with them')
        blocks = math.isqrt(moves.shape[-1])
        if moves.shape != (2, n, blocks**2) or height % blocks or width % blocks:
            raise ValueError(f'moves: expected (2, {n}, B * B) with B a divisor of {height} and '
                             f'{width}, got {tuple(moves.shape)}')

    @cached_property
    def lam(self) -> Tensor:
        """The source's label weight λ = W_P H_P / (W H), (N,) float64 (paper eq. 8), times the mean
        of ``weight`` if there is one. It is read from the target box, so that label and pixels
        cannot disagree."""
        x1, y1, x2, y2 = self.target.unbind(1)
        height, width = self.size
        area = (x2 - x1) * (y2 - y1) / torch.tensor(height * width, dtype=torch.float64)
        return area if self.weight is None else area * self.weight.double().mean((1, 2))

    def sources(self, batch: Tensor, history: Tensor | None) -> Tensor:
        """Return what the partners are samples of: ``history`` if ``from_history``, else ``batch``.

        Raises:
            ValueError: the history is missing, or lacks a partner.
        """
        if not self.from_history:
            return batch
        if history is None or len(history) <= self.partner.max():
            raise ValueError(
                f'history: expected at least {int(self.partner.max()) + 1} samples, got '
                f'{None if history is None else len(history)}; apply the mix by the augment that '
                'drew it, before its next batch')
        return history

    def mix_scores(self, scores: Tensor, history: Tensor | None = None) -> Tensor:
        """Mix (N, num_classes) float labels: l_m = λ l_s + (1 - λ) l_t (paper eq. 8).

        Args:
            scores: the labels of the batch.
            history: those of the earlier batch, if ``from_history``.
        """
        # non_blocking: the CPU does not wait for the device.
        lam = self.lam.to(scores.dtype).to(scores.device, non_blocking=True)[:, None]
        partner = self.partner.to(scores.device, non_blocking=True)
        source = self.sources(scores, history)[partner]
        return lam * source + (1 - lam) * scores
