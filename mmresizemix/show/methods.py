"""A sheet that shows all methods of the paper on one pair of pictures (Figures 1-3)."""
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import TRANSFORMS, init_default_scope

from ..batch_augments import CutMix, FMix, Mixup, PatchMix, PuzzleMix, ResizeMix, SaliencyMix
from ..batch_augments.mix_then_augment import compose
from ..openmmlab.installed import read_config
from ..saliency import GradCAM
from ..saliency.model import ModelSaliency, logits
from ..training.seeding import seed_everything
from .classifier import Classifier, Normalisation, last_layer_with_maps, read_square
from .mixed_batch import blank_figure, outline, save, with_heat

# The config that has RandAugment's numbers (Table 7).
RANDAUGMENT = 'mmresizemix::cifar/wrn28-10_1xb256-resizemix-randaugment-200e_cifar100.py'
MIXES: dict[str, Callable] = {
    'Mixup': Mixup,
    'CutMix': CutMix,
    'FMix': FMix,
    'SaliencyMix': SaliencyMix,
    'Puzzle Mix': PuzzleMix,
    'cut random → same place': lambda **k: PatchMix('random', 'corresponding', **k),
    'cut random → non-salient': lambda **k: PatchMix('random', 'non_salient', **k),
    'cut random → salient': lambda **k: PatchMix('random', 'salient', **k),
    'cut random → random': lambda **k: PatchMix('random', 'random', **k),
    'cut non-salient → random': lambda **k: PatchMix('non_salient', 'random', **k),
    'cut salient → random': lambda **k: PatchMix('salient', 'random', **k),
    'ResizeMix': ResizeMix,
}
COLUMNS = 5


def show_methods(target: str | Path, source: str | Path, out: Path, size: int | None = None,
                 seed: int = 0, classifier: Classifier | None = None,
                 layer: str | None = None) -> Path:
    """Draw ``source`` mixed into ``target`` by every method, with boxes and label weights.

    Args:
        target, source: picture files, of which the middle square is taken.
        out: the PNG file to write.
        size: the side of the pictures that are mixed, in pixels (default: the classifier's, or
            224).
        seed: the seed of the mixes.
        classifier: the classifier for methods that ask a model where pictures are salient. If
            None, the panels of these methods say that they need one.
        layer: the dotted name of the layer for Grad-CAM (default: the last with maps).

    Returns:
        ``out``.
    """
    # Begin with the pair, and its heatmaps if there is a classifier.
    side = size or (classifier.size if classifier else 224)
    normalisation = classifier.normalisation if classifier else Normalisation()
    pair = np.stack([read_square(path, side) for path in (target, source)])
    inputs = normalisation.apply(pair)
    scores = _scores(classifier, inputs)
    panels = [('target', pair[0], None, ''), ('source', pair[1], None, '')]
    if classifier:
        camera = GradCAM(layer or last_layer_with_maps(classifier))
        camera.attach(classifier.model)
        heat = camera(inputs, scores)
        panels += [(f'heat map: {name} (Grad-CAM)', with_heat(*both), None, '')
                   for name, both in zip(('target', 'source'), zip(pair, heat))]
    # Mix by each method, which asks the classifier where it needs one.
    for title, kind in MIXES.items():
        augment = kind(seed=seed)
        if classifier and isinstance(augment.saliency, GradCAM):
            augment.saliency = camera
        elif classifier:
            augment.attach(classifier.model)
        elif isinstance(augment.saliency, ModelSaliency):
            panels.append((title, None, None,
                           'needs a classifier:\ngive its config\nand --checkpoint'))
            continue
        mix = augment.draw_for(inputs, scores)
        mixed, _ = augment.apply(mix, inputs, scores)
        lam = float(mix.lam[0])
        panels.append((title, normalisation.undo(mixed)[0], mix,
                       f'{1 - lam:.2f} target, {lam:.2f} source'))
    # The last method is ResizeMix: its mixed picture is augmented further.
    panels += _augmented(pair, panels[-1][1], side, seed)
    return _sheet(panels, out)


def _scores(classifier: Classifier | None, inputs: torch.Tensor) -> torch.Tensor:
    """Return one-hot labels: the class that the classifier takes each picture for. Methods ask the
    classifier where it sees this class. Without a classifier, the two labels just differ."""
    if classifier is None:
        return torch.eye(2)
    with torch.no_grad():
        found = logits(classifier.model, inputs)
    return torch.nn.functional.one_hot(found.argmax(1), found.shape[1]).float()


def _augmented(pair: np.ndarray, mixed: np.ndarray, side: int, seed: int) -> list[tuple]:
    """Return panels of methods that change one picture, and of RandAugment before and after mixing
    (Table 7)."""
    seed_everything(seed)
    init_default_scope('mmpretrain')
    cutout = TRANSFORMS.build(dict(type='Cutout', shape=side // 2, pad_val=(128, ) * 3, prob=1.))
    cut = cutout.transform(dict(img=pair[0].copy()))['img']
    randaugment = compose(read_config(RANDAUGMENT).model.train_cfg.augments.transforms)

    def augmented(picture: np.ndarray) -> np.ndarray:
        channels = torch.from_numpy(picture).permute(2, 0, 1)
        return randaugment(channels).permute(1, 2, 0).numpy()

    before = np.stack([augmented(picture) for picture in pair])
    normalisation = Normalisation()
    after_both, _ = ResizeMix(seed=seed)(normalisation.apply(before), torch.eye(2))
    return [('Cutout', cut, None, 'target'),
            ('RandAugment', augmented(pair[0]), None, 'target'),
            ('RandAugment before ResizeMix', normalisation.undo(after_both)[0], None, ''),
            ('RandAugment after ResizeMix', augmented(mixed), None, '')]


def _sheet(panels: list[tuple], out: Path) -> Path:
    rows = -(-len(panels) // COLUMNS)
    figure = blank_figure(2.3 * COLUMNS, 2.75 * rows)
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, picture, mix, text) in zip(axes.flat, panels):
        axis.set_title(title, fontsize=9)
        if picture is None:
            axis.imshow(np.full((1, 1, 3), 245, np.uint8))
            axis.text(0.5, 0.5, text, ha='center', va='center', fontsize=8, color='0.4',
                      transform=axis.transAxes)
            continue
        axis.imshow(picture)
        if mix is not None and mix.weight is None:
            outline(axis, mix.target[0].tolist())
        axis.text(0.5, -0.03, text, ha='center', va='top', fontsize=8, transform=axis.transAxes)
    return save(figure, Path(out))
