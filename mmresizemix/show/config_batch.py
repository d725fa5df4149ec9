"""A picture of a batch as a pretraining config gives it to its network, before and after mixing."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from torch import Tensor

from ..batch_augments import BatchAugment, MixThenAugment, RecursiveMix
from ..saliency.model import ModelSaliency
from ..training.seeding import seed_everything
from .classifier import Normalisation, build_classifier, load_weights
from .mixed_batch import show_changes, show_mix, show_pictures, stack_pictures, title_of


def show_config_mix(cfg: Config, out: Path, samples: int = 8, seed: int = 0,
                    checkpoint: Path | None = None) -> Path:
    """Draw ``samples`` training pictures of a config before and after its batch augment.

    If it has several, they are drawn one below the other, on the same pictures. If it has none, the
    pictures are drawn as its pipeline makes them. The boxes of an augment that is not ours are not
    known, and so not drawn.

    Args:
        cfg: the config of a classifier of MMPretrain.
        out: the PNG file to write.
        seed: the seed of the pictures and of the mix.
        checkpoint: a checkpoint of the config, for methods that ask the model where pictures are
            salient. If None, they ask an untrained model.

    Returns:
        ``out``.
    """
    # Build the model and the training set as training would.
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model: Any
    model, normalisation = build_classifier(cfg)
    if checkpoint is not None:
        load_weights(model, checkpoint, str(cfg.filename))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    before, labels = _batch(dataset, model.data_preprocessor, samples, seed)
    classes = dataset.metainfo.get('classes') or list(map(str, range(cfg.model.head.num_classes)))
    scores = torch.nn.functional.one_hot(labels, cfg.model.head.num_classes).float()
    batch = _Batch(before, scores, classes, normalisation, seed)

    chooser = model.data_preprocessor.batch_augments
    augments = chooser.augments if chooser else []
    if not augments:
        return show_pictures(out, normalisation.undo(before), [classes[i] for i in labels],
                             'No batch augment: the pictures of the pipeline')
    shares = chooser.probs or [1 / len(augments)] * len(augments)
    with TemporaryDirectory() as folder:
        drawn = []
        for i, (augment, share) in enumerate(zip(augments, shares)):
            remark = f' ({share:.0%} of the batches)' if len(augments) > 1 else ''
            drawn.append(_draw(Path(folder) / f'{i}.png', augment, model, batch, remark,
                               trained=checkpoint is not None))
        return stack_pictures(out, drawn)


@dataclass(frozen=True)
class _Batch:
    """Pictures and labels before mixing, and what is needed to draw them."""
    inputs: Tensor
    scores: Tensor
    classes: Sequence[str]
    normalisation: Normalisation
    seed: int


def _draw(out: Path, augment: Any, model: Any, batch: _Batch, remark: str, trained: bool) -> Path:
    """Draw the batch before and after one augment."""
    before, scores, undo = batch.inputs, batch.scores, batch.normalisation.undo
    # Of an augment of another package, only the mixed pictures and labels are known.
    if not isinstance(augment, BatchAugment | MixThenAugment):
        seed_everything(batch.seed)  # MMPretrain's augments draw from global generators
        after, mixed_scores = augment(before.clone(), scores.clone())
        package = type(augment).__module__.partition('.')[0]
        return show_changes(out, undo(before), undo(after), scores, mixed_scores, batch.classes,
                            f"{package}'s {type(augment).__name__}{remark}")
    # Ours draws a mix and then applies it. Doing that here step by step keeps what was drawn.
    augment.attach(model)
    then = augment if isinstance(augment, MixThenAugment) else None
    augment = then.mix if then else augment
    augment.seed, augment.inplace = batch.seed, False
    history = None
    if isinstance(augment, RecursiveMix):
        # Its sources are an earlier batch, here the same pictures in another order.
        pictures, history_scores = augment(before.roll(1, 0), scores.roll(1, 0))
        history = undo(pictures), history_scores
    maps = None if augment.saliency is None else augment.saliency(before, scores)
    mix = augment.draw_for(before, scores)
    after, mixed_scores = augment.apply(mix, before, scores)
    title = title_of(augment) + remark
    if then:
        after, title = then.augment(after), f'{title}; then {then.transform}'
    if isinstance(augment.saliency, ModelSaliency) and not trained:
        title += '\n(heat map of an untrained network: give --checkpoint)'
    return show_mix(out, mix, before=undo(before), after=undo(after), scores_before=scores,
                    scores_after=mixed_scores, classes=batch.classes, title=title, saliency=maps,
                    history=history)


def _batch(dataset: Any, preprocessor: Any, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return ``samples`` pictures of ``dataset``, normalised as in training, and their classes."""
    seed_everything(seed)  # transforms of data sets draw from global generators
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:samples]
    items = [dataset[int(i)] for i in chosen]
    labels = torch.cat([item['data_samples'].gt_label for item in items])
    inputs = preprocessor(dict(inputs=torch.stack([item['inputs'] for item in items])))['inputs']
    return inputs, labels
