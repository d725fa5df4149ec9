"""RecursiveMix (arXiv 2203.06844), which pastes the mixed batch before into the current one."""
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .base import BatchAugment, check, check_choice, is_number
from .mix import Mix
from .paste import INTERPOLATIONS
from .regions import clipped


@dataclass
class History:
    """The triplet (x^h, y^h, p^h) of a mixed batch, without gradients.

    Args:
        x: (N, C, H, W), the mixed pictures.
        y: (N, num_classes), the mixed labels.
        p: (N, num_classes), softmax f(x), what the classifier predicted for them. None if no head
            has told it.
    """
    x: Tensor
    y: Tensor
    p: Tensor | None = None


class RecursiveMix(BatchAugment):
    r"""Resize the batch that was mixed before, paste it into this one and mix the labels by area.

    .. math::
        \lambda \sim U(0, \alpha), \quad
        \tilde x = Paste(T(x^h), x, B), \quad
        \tilde y = \lambda y^h + (1 - \lambda) y, \quad
        \lambda = \frac{W_B H_B}{W H}

    .. math::
        (x^h, y^h, p^h) \leftarrow (\tilde x, \tilde y, softmax f(\tilde x))

    The method is from `RecursiveMix: Mixed Learning with History
    <https://arxiv.org/abs/2203.06844>`_. The box B has the picture's aspect ratio, and λ is its
    exact relative area. T(x^h) is the whole of x^h, which is a mixed picture itself, resized to B.
    Sample i of the history goes into sample i of the batch.

    The consistency loss, which is the other half of the method, is that of
    :class:`mmresizemix.RecursiveMixHead`. Without this head, only pictures and labels are mixed.

    There is no history, so that nothing is mixed, in the first batch of an epoch, and after a batch
    of pictures of another size. If the batch before was smaller, the samples that it does not have
    are not mixed. The recursion above has no such breaks. With them, a run that is resumed at an
    epoch equals an uninterrupted one, and the authors' code begins each epoch without a history,
    too. :class:`mmresizemix.EpochSeedHook` tells when an epoch begins.

    ``per='batch', placement='clipped', interpolation='nearest'`` equals the authors' released code.
    It clips the box at the border and squeezes the history into what is left, so that λ is not
    uniform, and on average 0.18 instead of 0.25. Its bilinear resizing aligns the corners; ours
    aligns pixel centres.

    Args:
        alpha (float): the largest area of the box over the picture's, 0 < α <= 1. Defaults to 0.5.
        per (str): 'sample' draws one box per sample, 'batch' one per batch, as released.
            Defaults to 'sample'.
        placement (str): 'uniform' draws the box's corner uniformly, so that the box lies wholly
            inside. 'clipped' draws the box's centre uniformly over the picture and clips the box at
            the border. Defaults to 'uniform'.
        interpolation (str): 'bilinear' or 'nearest'. Defaults to 'bilinear'.
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

    def __init__(self, alpha: float = 0.5, per: str = 'sample', placement: str = 'uniform',
                 interpolation: str = 'bilinear', prob: float = 1.0, inplace: bool = False,
                 seed: int | None = None, num_classes: int | None = None):
        super().__init__(per, prob, inplace, seed, num_classes)
        check('alpha', alpha, 'a number with 0 < alpha <= 1', is_number(alpha) and 0 < alpha <= 1)
        check_choice('placement', placement, ('uniform', 'clipped'))
        check_choice('interpolation', interpolation, INTERPOLATIONS)
        self.alpha, self.placement, self.interpolation = alpha, placement, interpolation
        self.history: History | None = None
        self._pasted: tuple[Mix, Tensor | None] | None = None  # until the head asks for it

    def draw(self, batch_size: int, size: tuple[int, int]) -> Mix:
        """Draw λ ~ U(0, α) and a box of this share at a random place, for the whole of x^h."""
        H, W = size
        draws = 1 if self.per == 'batch' else batch_size
        u_lam, u_prob, u_x, u_y = self._uniform(draws, 4)
        side = (self.alpha * u_lam).sqrt()
        (x1, x2), (y1, y2) = self._ends(u_x, W, side), self._ends(u_y, H, side)
        target = torch.stack((x1, y1, x2, y2), dim=1) * (u_prob < self.prob)[:, None]

        # Samples that the history does not have get an empty box.
        sample, known = torch.arange(batch_size), self._known(size)
        target = target.expand(batch_size, 4) * (sample < known)[:, None]
        source = torch.tensor([[0, 0, W, H]]).expand(batch_size, 4)
        if not known:
            return Mix(sample, source, target, size)
        return Mix(sample.clamp(max=known - 1), source, target, size, from_history=True)

    def _ends(self, u: Tensor, length: int, share: Tensor) -> tuple[Tensor, Tensor]:
        """Return both ends of boxes with this share of a picture's side."""
        if self.placement == 'clipped':
            return clipped((u * length).long(), length, (share * length).long())
        box = (share * length).round().long()
        start = (u * (length - box + 1)).long()
        return start, start + box

    def _known(self, size: tuple[int, int]) -> int:
        """Return how many samples the history has for pictures of ``size``."""
        if self.history is None or self.history.x.shape[-2:] != size:
            return 0
        return len(self.history.x)

    def __call__(self, inputs: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mix a batch as :class:`BatchAugment` does, and keep a copy of it as the history."""
        p_h = self.history.p if self.history else None
        mixed, scores = super().__call__(inputs, scores)
        if self.drawn is not None:
            self._pasted = self.drawn, p_h
        self.history = History(mixed.detach().clone(), scores.detach().clone())
        return mixed, scores

    def _past(self, inputs: Tensor, scores: Tensor) -> tuple[Tensor | None, Tensor | None]:
        if self.history is None:
            return None, None
        y_h = self.history.y
        check('scores', scores.shape[1], f'{y_h.shape[1]} classes as in the batch before',
              scores.shape[1] == y_h.shape[1])
        return self.history.x.to(inputs), y_h.to(scores)

    def exchange(self, p: Tensor) -> tuple[Mix, Tensor] | None:
        """Take the predictions for the batch that was just mixed, and return what the consistency
        loss compares with them. A head calls this once per batch.

        Args:
            p: (N, num_classes), softmax f(x̃), without gradients.

        Returns:
            The mix of the batch, and p^h, (M, num_classes), the predictions for the samples that
            are its partners. None if another augment mixed the batch, or if there is no p^h.
        """
        pasted, self._pasted = self._pasted, None
        if pasted is None or self.history is None:
            return None
        self.history.p = p
        mix, p_h = pasted
        return (mix, p_h) if mix.from_history and p_h is not None else None

    def attach(self, model: nn.Module) -> None:
        """Let the head of the model, if it has a consistency loss, ask this augment what it
        pasted."""
        super().attach(model)
        follow = getattr(getattr(model, 'head', None), 'follow', None)
        if follow is not None:
            follow(self)

    def set_epoch(self, epoch: int, seed: int | None = None) -> None:
        """Restart the generator as every augment does, and forget the history."""
        super().set_epoch(epoch, seed)
        self.history = self._pasted = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generator, and the history."""
        history = None if self.history is None else {
            name: t if t is None else t.cpu() for name, t in vars(self.history).items()}
        return dict(super().state_dict(), history=history)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(state)
        self.history = None if state['history'] is None else History(**state['history'])
