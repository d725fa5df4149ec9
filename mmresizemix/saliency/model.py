"""Asking the classifier that is being trained, without leaving a trace in its training."""
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn


class ModelSaliency:
    """A saliency that a model tells. :meth:`attach` it first."""

    def __init__(self) -> None:
        self._model: nn.Module | None = None

    def attach(self, model: nn.Module) -> None:
        """
        Args:
            model: pictures -> (N, num_classes) logits: an mmpretrain classifier, or any module.
        """
        self._model = model

    @property
    def model(self) -> nn.Module:
        """The one attached.

        Raises:
            ValueError: none is."""
        if self._model is None:
            raise ValueError(
                f'{type(self).__name__}: expected a model, got none. In a config add '
                "dict(type='mmresizemix.AttachModelHook') to custom_hooks; in your own loop call "
                'augment.attach(model)')
        return self._model


def logits(model: nn.Module, inputs: Tensor) -> Tensor:
    """(N, C) of a classifier, of MMPretrain or a plain module, for normalised (N, 3, H, W)."""
    is_mmengines = hasattr(model, 'data_preprocessor')
    return model(inputs, mode='tensor') if is_mmengines else model(inputs)


def no_such_layer(model: nn.Module, name: str) -> str:
    """What to tell whoever asks for it."""
    near = [n for n, _ in model.named_modules() if n and n.count('.') <= 1]
    return (f'layer: no module {name!r} in {type(model).__name__}; it has {", ".join(near)} and '
            'what is in them')


@contextmanager
def asking(model: nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode: BatchNorm keeps its statistics, dropout draws nothing. Modes
    are put back as they were, module by module (some are frozen). A compiled backbone answers
    uncompiled: its program would be made anew for the hooks of every question."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    # PyTorch before 2.6 has no such setting, and compiles
    eager = getattr(torch.compiler, 'set_stance', lambda stance: nullcontext())
    try:
        with eager('force_eager'):
            yield
    finally:
        for module in training:
            module.training = True
        # Autocast remembers weights that were cast where no gradient was wanted, and the training
        # step would take them for its own.
        torch.clear_autocast_cache()
