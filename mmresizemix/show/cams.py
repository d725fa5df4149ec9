"""A figure of where a classifier sees each of both classes in a mixed picture (Figure 5)."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from ..batch_augments import BatchAugment, CutMix, Mixup, ResizeMix
from ..saliency.model import logits, no_such_layer
from .classifier import Classifier, last_layer_with_maps, read_square
from .mixed_batch import blank_figure, label_lines, outline, save, with_heat

METHODS = {'Mixup': Mixup, 'CutMix': CutMix, 'ResizeMix': ResizeMix}


class _Logits(nn.Module):
    """A module that takes pictures and returns logits, as the package grad-cam expects."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        return logits(self.model, inputs)


def show_cams(target: str | Path, source: str | Path, out: Path, classifier: Classifier, *,
              classes: Sequence[str] | None = None, layer: str | None = None,
              size: int | None = None, seed: int = 0) -> Path:
    """Mix ``source`` into ``target`` by Mixup, CutMix and ResizeMix. Draw, beside each mixed
    picture, the Grad-CAM of both classes and the probability that the classifier gives to each.

    Args:
        target, source: picture files, of which the middle square is taken.
        out: the PNG file to write.
        classifier: the classifier to ask.
        classes: the classes of the target and of the source, by name or number (default: what the
            classifier takes each of them for, alone).
        layer: the dotted name of the layer whose maps are drawn (default: the last with maps).
        size: the side of the pictures that are mixed, in pixels (default: the classifier's).
        seed: the seed of the mixes.

    Returns:
        ``out``.

    Raises:
        ValueError: the classifier has no such class, or no such layer.
    """
    # Read the pictures, and find their classes and the layer to draw.
    model, normalisation = classifier.model, classifier.normalisation
    side = size or classifier.size
    pair = np.stack([read_square(path, side) for path in (target, source)])
    inputs = normalisation.apply(pair)
    if classes is None:
        with torch.no_grad():
            labels = logits(model, inputs).argmax(1).tolist()
    else:
        labels = [_class_number(name, classifier.classes) for name in classes]
    names = [classifier.classes[label] for label in labels]
    layer = layer or last_layer_with_maps(classifier)
    if layer not in dict(model.named_modules()):
        raise ValueError(no_such_layer(model, layer))

    # Ask for each picture alone, then for the mixed pictures. An identity matrix as labels gives
    # the pair two different classes, whatever the classifier takes them for.
    cams = [_cams(model, layer, inputs[[i]], [labels[i]])[0] for i in (0, 1)]
    mixed = []
    for title, kind in METHODS.items():
        augment: BatchAugment = kind(seed=seed)
        mix = augment.draw_for(inputs, torch.eye(2))
        picture = augment.apply(mix, inputs, torch.eye(2))[0][:1]
        lam = float(mix.lam[0])
        box = mix.target[0].tolist() if mix.weight is None else None
        mixed.append((f'{title}\n{label_lines((1 - lam, lam), names)}', box,
                      normalisation.undo(picture)[0], _cams(model, layer, picture, labels)))
    return _figure(out, names, pair, cams, mixed)


def _class_number(name: str, classes: Sequence[str]) -> int:
    if name in classes:
        return classes.index(name)
    if name.isdigit() and int(name) < len(classes):
        return int(name)
    raise ValueError(f'class: expected a name that the classifier knows or a number below '
                     f'{len(classes)}, got {name!r}; it knows {", ".join(classes[:5])}, ...')


def _cams(model: nn.Module, layer: str, picture: Tensor,
          labels: Sequence[int]) -> list[tuple[np.ndarray, float]]:
    """Return, for each label, the heatmap (H, W) in 0..1 of one picture and the probability."""
    watched = dict(model.named_modules())[layer]
    found = []
    with GradCAM(_Logits(model), [watched]) as camera:
        for label in labels:
            heat = camera(picture, [ClassifierOutputTarget(label)])[0]
            probability = camera.outputs.detach().softmax(1)[0, label]
            found.append((heat, float(probability)))
    return found


def _figure(out: Path, names: Sequence[str], pair: np.ndarray, alone: list, mixed: list) -> Path:
    figure = blank_figure(7.4, 2.5 * (1 + len(mixed)))
    axes = figure.subplots(1 + len(mixed), 3, squeeze=False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_visible(False)
    # The first row shows the pair, each further row one method.
    axes[0, 0].text(0.5, 0.5, 'each alone', ha='center', va='center',
                    transform=axes[0, 0].transAxes)
    for axis, picture, name, (_, probability) in zip(axes[0, 1:], pair, names, alone):
        axis.imshow(picture)
        axis.set_title(f'{name}\np = {probability:.2f}', fontsize=9)
    for row, (title, box, picture, cams) in zip(axes[1:], mixed):
        row[0].imshow(picture)
        row[0].set_title(title, fontsize=8)
        for axis, (heat, probability), name in zip(row[1:], cams, names):
            axis.imshow(with_heat(picture, heat))
            axis.set_title(f'CAM for {name}\np = {probability:.2f}', fontsize=8)
        for axis in row if box else ():
            outline(axis, box)
    return save(figure, Path(out))
