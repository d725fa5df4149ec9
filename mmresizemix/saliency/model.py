"""Saliencies that query the classifier that is being trained, without an effect on its training."""
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn


class ModelSaliency:
    """The base class of saliencies that query a model. :meth:`attach` the model first."""

    def __init__(self) -> None:
        self._model: nn.Module | None = None

    def attach(self, model: nn.Module) -> None:
        """Attach the model.

        Args:
            model: a module that maps pictures to (N, num_classes) logits, either an mmpretrain
                classifier or any other.
        """
        self._model = model

    @property
    def model(self) -> nn.Module:
        """The attached model.

        Raises:
            ValueError: no model is attached."""
        if self._model is None:
            raise ValueError(
                f'{type(self).__name__}: expected a model, got none. In a config add '
                "dict(type='mmresizemix.AttachModelHook') to custom_hooks; in your own loop call "
                'augment.attach(model)')
        return self._model


def logits(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the (N, num_classes) logits of an MMPretrain classifier or a plain module for
    normalised (N, 3, H, W) pictures."""
    is_mmengines = hasattr(model, 'data_preprocessor')
    return model(inputs, mode='tensor') if is_mmengines else model(inputs)


def no_such_layer(model: nn.Module, name: str) -> str:
    """Return a message that says that the model has no layer ``name``, and which it has."""
    near = [n for n, _ in model.named_modules() if n and n.count('.') <= 1]
    return (f'layer: no module {name!r} in {type(model).__name__}; it has {", ".join(near)} and '
            'the modules in these')


@contextmanager
def asking(model: nn.Module) -> Iterator[None]:
    """Set ``model`` to evaluation mode within the block, so that BatchNorm keeps its statistics and
    dropout draws nothing. A compiled backbone runs uncompiled."""
    # Modes are restored module by module, since some modules may be frozen in evaluation mode.
    training = [module for module in model.modules() if module.training]
    model.eval()
    # A compiled backbone would be compiled again for the hooks of every query. PyTorch before 2.6
    # has no such setting and does compile.
    eager = getattr(torch.compiler, 'set_stance', lambda stance: nullcontext())
    try:
        with eager('force_eager'):
            yield
    finally:
        for module in training:
            module.training = True
        # Autocast caches weights that were cast without gradient, and the training step would use
        # them.
        torch.clear_autocast_cache()
