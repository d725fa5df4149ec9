"""The base class of all batch augments. It holds what they share: arguments, labels, the generator
and mmpretrain's call contract."""
import inspect
import math
from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .generator import derive_seed, rank
from .mix import Mix
from .paste import paste


class BatchAugment(ABC):
    """Mix a batch: :meth:`draw` a :class:`Mix`, then :meth:`apply` it. Applying draws nothing.

    A new method only implements :meth:`draw`. It does not paste on its own.
    """
    interpolation = 'nearest'
    antialias = False
    saliency: Any = None  # a saliency of mmresizemix.saliency, or None
    drawn: Mix | None = None  # the mix of the last batch
    place = 0  # how many augments of this class stand before it in the model, set by EpochSeedHook

    def __init__(self, per: str, prob: float, inplace: bool, seed: int | None,
                 num_classes: int | None):
        check_choice('per', per, ('sample', 'batch'))
        check('prob', prob, 'a number in 0..1', is_number(prob) and 0 <= prob <= 1)
        check('inplace', inplace, 'a bool', isinstance(inplace, bool))
        check('seed', seed, 'None or an integer >= 0', seed is None or is_integer(seed, 0))
        check('num_classes', num_classes, 'None or an integer >= 1',
              num_classes is None or is_integer(num_classes, 1))
        self.per, self.prob, self.inplace = per, prob, inplace
        self.seed, self.num_classes = seed, num_classes
        self._generator: torch.Generator | None = None

    @abstractmethod
    def draw(self, batch_size: int, size: tuple[int, int], *args: Any, **kwargs: Any) -> Mix:
        """Draw what to mix for ``batch_size`` pictures of ``size`` (H, W) pixels. Methods that use
        a saliency also receive it as an argument."""

    def __call__(self, inputs: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Draw a mix and apply it. This is mmpretrain's call contract for batch augments.

        Args:
            inputs: (N, C, H, W) of any float dtype, on any device.
            scores: the labels, either (N, num_classes) one-hot or soft labels, or (N,) integers if
                the augment knows ``num_classes``.

        Returns:
            The mixed pictures in the dtype of ``inputs``, and (N, num_classes) labels in float32
            (float64 stays float64). Each row of the labels sums to what the rows of ``scores``
            sum to.

        Raises:
            ValueError: a shape or dtype is not as above, an integer label (on a CPU) is none of the
                classes, or ``inputs`` cannot be overwritten as ``inplace`` asks.
        """
        check('inputs', tuple(inputs.shape), 'a batch of shape (N, C, H, W)', inputs.ndim == 4)
        check('inputs', inputs.dtype, 'a floating dtype', inputs.is_floating_point())
        scores = self._float_scores(scores, len(inputs))
        if len(inputs) == 0:
            return inputs, scores
        self.drawn = self.draw_for(inputs, scores)
        return self.apply(self.drawn, inputs, scores)

    def draw_for(self, inputs: Tensor, scores: Tensor) -> Mix:
        """Call :meth:`draw` for these pictures (N, C, H, W) and float labels (N, num_classes). If
        the method uses a saliency, compute it, (N, H, W), and pass it on."""
        H, W = inputs.shape[-2:]
        if self.saliency is None:
            return self.draw(len(inputs), (H, W))
        return self.draw(len(inputs), (H, W), saliency=self.saliency(inputs, scores))

    def apply(self, mix: Mix, inputs: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mix pictures and float labels as ``mix`` says. The result is deterministic."""
        check('inputs', tuple(inputs.shape), f'the shape that the mix was drawn for, '
              f'({len(mix.partner)}, C, {mix.size[0]}, {mix.size[1]})',
              (len(inputs), *inputs.shape[-2:]) == (len(mix.partner), *mix.size))
        x_h, y_h = self._past(inputs, scores)
        mixed = paste(inputs, mix, self.interpolation, self.antialias, self.inplace, x_h)
        return mixed, mix.mix_scores(scores, y_h)

    def _past(self, inputs: Tensor, scores: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return pictures and labels of an earlier batch, for methods that take patches from it."""
        return None, None

    def set_epoch(self, epoch: int, seed: int | None = None) -> None:
        """Restart the generator from (seed, rank, epoch). What an epoch draws then does not depend
        on what was drawn before it, so that a resumed run mixes like an uninterrupted one.

        Args:
            epoch: the epoch, counted from 0.
            seed: the run's seed, used if the augment has no seed of its own.
        """
        self._generator = self._new_generator(self.seed if self.seed is not None else seed, epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the state in the middle of an epoch, as plain values and tensors on the CPU, so
        that an interrupted run can go on exactly: the generator's, and what a method remembers."""
        return dict(generator=self.generator.get_state())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned. The tensors may be on any device."""
        self.generator.set_state(state['generator'].cpu())

    def attach(self, model: nn.Module) -> None:
        """Pass the classifier that is being trained to the saliency, if the method uses one."""
        if self.saliency is not None:
            self.saliency.attach(model)

    @property
    def generator(self) -> torch.Generator:
        """The augment's own generator, on the CPU. It is created on first use, when the rank is
        known. Without a seed it starts from torch's initial seed, which MMEngine sets to the same
        value on all ranks, and from the rank.
        """
        if self._generator is None:
            self._generator = self._new_generator(self.seed, 0)
        return self._generator

    def _new_generator(self, seed: int | None, epoch: int) -> torch.Generator:
        if seed is None:
            seed = torch.initial_seed() % 2**64
        # Two augments of one class must not draw the same numbers.
        name = type(self).__name__ + (f'.{self.place}' if self.place else '')
        return torch.Generator().manual_seed(derive_seed(seed, rank(), epoch, name))

    def _uniform(self, rows: int, columns: int) -> Tensor:
        """Return (columns, rows) float64 numbers in [0, 1). A row has the numbers of one sample,
        and rows are drawn one after the other. They are transposed, so that callers can unpack them
        by column."""
        return torch.rand(rows, columns, generator=self.generator, dtype=torch.float64).T

    def _partners(self, batch_size: int) -> Tensor:
        """Return (N,) partners, a random cycle through the batch. No sample is its own partner
        unless it is the only one."""
        order = torch.randperm(batch_size, generator=self.generator)
        partner = torch.empty_like(order)
        partner[order] = order.roll(-1)
        return partner

    @staticmethod
    def _whole(partner: Tensor, size: tuple[int, int], weight: Tensor, mixed: Tensor,
               moves: Tensor | None = None) -> Mix:
        """Return a mix of whole pictures.

        Args:
            weight: (N or 1, H or 1, W or 1), the source's share of each pixel.
            mixed: (N or 1,) bool, which samples are mixed.
        """
        H, W = size
        source = torch.tensor([[0, 0, W, H]]).expand(len(partner), 4)
        weight = weight.expand(len(partner), -1, -1)
        # A sample that is not mixed gets an empty target box.
        return Mix(partner, source, source * mixed[:, None], size, weight, moves)

    def _float_scores(self, scores: Tensor, batch_size: int) -> Tensor:
        classes = self.num_classes
        expected = (f'({batch_size}, {classes or "num_classes"}) one-hot or soft labels, or '
                    f'({batch_size},) integers')
        if scores.ndim == 1 and not scores.is_floating_point():
            # The largest label of a batch says nothing about the number of classes.
            if classes is None:
                raise ValueError('num_classes: expected the number of classes, since the labels '
                                 'are integers, got None')
            if scores.device.type == 'cpu' and len(scores):  # elsewhere, a look at them would wait
                check('scores', scores, f'labels in 0..{classes - 1}',
                      0 <= int(scores.min()) and int(scores.max()) < classes)
            scores = F.one_hot(scores.long(), classes)
        check('scores', tuple(scores.shape), expected, scores.ndim == 2
              and len(scores) == batch_size and classes in (None, scores.shape[1]))
        # One column of larger integers holds class numbers, not weights.
        if scores.shape[1] == 1 and not scores.is_floating_point():
            check('scores', tuple(scores.shape), expected, bool((scores <= 1).all()))
        return scores if scores.dtype == torch.float64 else scores.float()

    def settings(self) -> dict[str, Any]:
        """Return the arguments that the augment was constructed with."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        settings = ', '.join(f'{name}={value!r}' for name, value in self.settings().items())
        return f'{type(self).__name__}({settings})'


def beta_quantile(u: Tensor, alpha: float) -> Tensor:
    """Turn uniform numbers into Beta(α, α) numbers by inversion. torch's own sampler takes no
    generator."""
    # Beta(1, 1) is uniform.
    if alpha == 1:
        return u
    from scipy.special import betaincinv
    return torch.from_numpy(betaincinv(alpha, alpha, u.numpy()))


def check(name: str, value: Any, expected: str, holds: bool) -> None:
    """Raise a ValueError unless ``holds``. It names the argument, what was expected and what was
    given."""
    if not holds:
        raise ValueError(f'{name}: expected {expected}, got {value!r}')


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise a ValueError unless ``value`` is one of ``choices``."""
    check(name, value, f'one of {", ".join(map(repr, choices))}', value in choices)


def check_alpha(value: Any) -> None:
    """Raise a ValueError unless ``value`` can be the α of Beta(α, α)."""
    check('alpha', value, 'a number > 0', is_number(value) and value > 0)


def check_scale_range(value: Any) -> None:
    """Raise a ValueError unless ``value`` can be the range of τ of Sec. 3.2."""
    check('scale_range', value, 'two numbers (α, β) with 0 < α <= β <= 1',
          isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_number, value))
          and 0 < value[0] <= value[1] <= 1)


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite int or float (True and False are not)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: Any, minimum: int) -> bool:
    """Whether ``value`` is an int of at least ``minimum`` (True and False are not)."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum
