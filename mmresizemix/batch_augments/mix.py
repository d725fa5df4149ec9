"""What a batch augment draws: a value to be looked at, logged, replayed or written by hand."""
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mix:
    """For each sample: whose picture is pasted, which part of it, and where.

    Boxes are pixels (x1, y1, x2, y2), x2 and y2 exclusive. An empty target box leaves its sample
    unmixed.

    Args:
        partner: (N,) int64, the sample that each sample takes its patch from.
        source: (N, 4) int64, the part of the partner that is taken.
        target: (N, 4) int64, where it is pasted; of another size than ``source``: resized to fit.
        size: (H, W) of the pictures, in pixels.

    Raises:
        ValueError: a field has another shape, a box leaves the picture or has x2 < x1 or y2 < y1.
    """
    partner: Tensor
    source: Tensor
    target: Tensor
    size: tuple[int, int]

    def __post_init__(self):
        n = len(self.partner)
        if self.partner.shape != (n, ) or not ((0 <= self.partner) & (self.partner < n)).all():
            raise ValueError(f'partner: expected {n} sample numbers in 0..{n - 1}, '
                             f'got {self.partner.tolist()}')
        height, width = self.size
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

    @property
    def lam(self) -> Tensor:
        """(N,) float64, λ = W_P H_P / (W H): the source's label weight, read from the target box
        (paper eq. 8), so that label and pixels cannot disagree."""
        x1, y1, x2, y2 = self.target.unbind(1)
        height, width = self.size
        return (x2 - x1) * (y2 - y1) / torch.tensor(height * width, dtype=torch.float64)

    def mix_scores(self, scores: Tensor) -> Tensor:
        """(N, num_classes) float labels -> l_m = λ l_s + (1 - λ) l_t (paper eq. 8)."""
        lam = self.lam.to(scores.dtype).to(scores.device, non_blocking=True)[:, None]
        source = scores[self.partner.to(scores.device, non_blocking=True)]
        return lam * source + (1 - lam) * scores
