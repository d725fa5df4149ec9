"""A trained classifier, and pictures read in the form that it takes."""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from ..loading import EncodedPicture, PictureError
from ..openmmlab.channel_order import red_first
from ..openmmlab.installed import read_config
from ..saliency.model import logits
from ..transfer import CheckpointError, load_checkpoint

TORCHVISION = 'torchvision:'


@dataclass(frozen=True)
class Normalisation:
    """The map from pixels 0..255 to the inputs of a model, and back. The default changes no value.

    Args:
        mean, std: per channel, in the order that the model takes them.
        rgb: whether the model takes the channels as RGB. If not, it takes them as BGR.
    """
    mean: tuple[float, ...] = (0., 0., 0.)
    std: tuple[float, ...] = (1., 1., 1.)
    rgb: bool = True

    def apply(self, pictures: np.ndarray) -> Tensor:
        """Turn pictures (N, H, W, 3) uint8 RGB into inputs (N, 3, H, W) float32."""
        channels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
        channels = channels if self.rgb else channels.flip(1)
        return (channels - self._column(self.mean)) / self._column(self.std)

    def undo(self, inputs: Tensor) -> np.ndarray:
        """Turn inputs (N, 3, H, W) back into pictures (N, H, W, 3) uint8 RGB."""
        pixels = inputs.cpu() * self._column(self.std) + self._column(self.mean)
        pixels = pixels if self.rgb else pixels.flip(1)
        return pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()

    @staticmethod
    def _column(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values)[:, None, None]


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, with all that is needed to give it pictures.

    Args:
        model: maps normalised pictures to logits. It is in evaluation mode.
        normalisation: how pictures are normalised for it.
        classes: the names of its classes.
        size: the side of the pictures that it was tested on, in pixels.
    """
    model: nn.Module
    normalisation: Normalisation
    classes: tuple[str, ...]
    size: int


def load_classifier(config: str, checkpoint: str | Path) -> Classifier:
    """Load a classifier of mmpretrain or torchvision.

    Args:
        config: a config of mmpretrain, or a name like ``torchvision:resnet50``.
        checkpoint: its checkpoint, which is read with ``weights_only=True``.

    Raises:
        CheckpointError: the checkpoint cannot be read, or its tensors do not fit the model.
        ValueError: torchvision has no such model.
    """
    if config.startswith(TORCHVISION):
        found = _of_torchvision(config)
        load_weights(found.model, checkpoint, config)
        found.model.eval()
        return found
    cfg = read_config(config)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model, normalisation = build_classifier(cfg)
    meta = load_weights(model, checkpoint, config).get('meta', {})
    classes = tuple(meta.get('dataset_meta', {}).get('classes')
                    or map(str, range(cfg.model.head.num_classes)))
    return Classifier(model.eval(), normalisation, classes, _tested_size(cfg))


def build_classifier(cfg: Config) -> tuple[nn.Module, Normalisation]:
    """Build the model of a config of mmpretrain as its runner does, with random weights.

    Returns:
        The model, and the normalisation of its data preprocessor.

    Raises:
        ValueError: the data sets of the config have unlike orders of channels.
    """
    # The runner hands the data preprocessor of the config to a model that has none.
    settings = cfg.model.to_dict()
    if settings.get('data_preprocessor') is None and cfg.get('data_preprocessor'):
        settings['data_preprocessor'] = cfg.data_preprocessor.to_dict()
    model = MODELS.build(settings)
    known = model.data_preprocessor
    first = red_first(cfg.train_dataloader.dataset)
    if first is None:
        raise ValueError('train_dataloader.dataset: expected one order of channels for all '
                         'pictures, got both; give all data sets the same to_rgb and to_bgr')
    # With ``to_rgb``, the preprocessor reverses the channels, whatever their order is.
    mean, std = (tuple(getattr(known, name).flatten().tolist()) for name in ('mean', 'std'))
    return model, Normalisation(mean, std, first != known.to_rgb)


def load_weights(model: nn.Module, checkpoint: str | Path, config: str) -> dict:
    """Load all weights of a checkpoint into ``model``, and return the content of the checkpoint.

    Raises:
        CheckpointError: the checkpoint cannot be read, or its tensors do not fit the model.
    """
    found = load_checkpoint(checkpoint)
    try:
        model.load_state_dict(found.get('state_dict', found))
    except RuntimeError as error:
        raise CheckpointError(f'{checkpoint}: does not fit {config}: '
                              f'{" ".join(str(error).split())[:300]}') from None
    return found


def _tested_size(cfg: Config) -> int:
    # The last step that sets a size decides, first of the test pipeline, then of the training's.
    steps = [*cfg.train_dataloader.dataset.pipeline, *cfg.test_dataloader.dataset.pipeline]
    sizes = [step.get('crop_size') or step.get('scale') for step in steps]
    return next((size for size in reversed(sizes) if isinstance(size, int)), 32)  # else CIFAR's


def _of_torchvision(config: str) -> Classifier:
    """Return one of torchvision's classifiers, with random weights."""
    from torchvision import models
    name = config.removeprefix(TORCHVISION)
    if name not in models.list_models(module=models):
        raise ValueError(f'{config}: torchvision has no such classifier')
    weights = models.get_model_weights(name).DEFAULT
    steps = weights.transforms()
    # torchvision's mean and std are for pixels in 0..1.
    mean, std = (tuple(255 * v for v in values) for values in (steps.mean, steps.std))
    return Classifier(models.get_model(name), Normalisation(mean, std),
                      tuple(weights.meta['categories']), steps.crop_size[0])


def last_layer_with_maps(classifier: Classifier) -> str:
    """Return the dotted name of the last module whose output is maps larger than one pixel.

    Raises:
        ValueError: the classifier has no such module.
    """
    # Run the classifier once, and note each such module when it returns.
    last: list[str] = []

    def notice(name: str, module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:
            last[:] = [name]

    handles = [module.register_forward_hook(partial(notice, name))
               for name, module in classifier.model.named_modules() if name]
    try:
        with torch.no_grad():
            logits(classifier.model, torch.zeros(1, 3, classifier.size, classifier.size))
    finally:
        for handle in handles:
            handle.remove()
    if not last:
        raise ValueError(f'layer: {type(classifier.model).__name__} has no layer with maps')
    return last[0]


def read_square(path: str | Path, side: int) -> np.ndarray:
    """Read the middle square of a picture file, resized to (side, side, 3) uint8 RGB.

    Raises:
        PictureError: the file is not a picture, or is broken.
    """
    return _read(path, side, whole=False)


def read_whole(path: str | Path, side: int) -> np.ndarray:
    """Read all of a picture file, squeezed to (side, side, 3) uint8 RGB.

    Raises:
        PictureError: the file is not a picture, or is broken.
    """
    return _read(path, side, whole=True)


def _read(path: str | Path, side: int, whole: bool) -> np.ndarray:
    try:
        picture = EncodedPicture(Path(path).read_bytes())
        height, width = picture.size
        short = min(height, width)
        x, y = (width - short) // 2, (height - short) // 2
        box = (0, 0, width, height) if whole else (x, y, x + short, y + short)
        return np.ascontiguousarray(picture.crop(box, (side, side))[:, :, ::-1])
    except PictureError as error:
        raise PictureError(f'{path}: {error}') from None
