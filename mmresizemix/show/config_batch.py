"""A picture of a batch as a pretraining config gives it to its network, before and after mixing."""
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import DATASETS, init_default_scope
from torch import Tensor

from ..batch_augments import MixThenAugment, RecursiveMix
from ..openmmlab.installed import read_config
from ..saliency.model import ModelSaliency
from ..training.seeding import augments_of, seed_everything
from .classifier import build_classifier, load_weights
from .mixed_batch import show_changes, show_mix, show_pictures, title_of


def show_config_mix(config: str, out: Path, samples: int = 8, seed: int = 0,
                    cfg_options: dict | None = None, checkpoint: Path | None = None) -> Path:
    """Draw ``samples`` training pictures of ``config`` before and after its batch augment.

    If it has no batch augment, they are drawn as its pipeline makes them. The boxes of an augment
    that is not ours are not known, and so not drawn.

    Args:
        out: the PNG file to write.
        seed: the seed of the pictures and of the mix.
        cfg_options: settings that override those of the config, by dotted name.
        checkpoint: a checkpoint of the config, for methods that ask the model where pictures are
            salient. If None, they ask an untrained model.

    Returns:
        ``out``.
    """
    # Build the model and the training set as training would.
    cfg = read_config(config)
    cfg.merge_from_dict(cfg_options or {})
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model: Any
    model, normalisation = build_classifier(cfg)
    if checkpoint is not None:
        load_weights(model, checkpoint, config)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    before, labels = _batch(dataset, model.data_preprocessor, samples, seed)
    classes = dataset.metainfo.get('classes') or list(map(str, range(cfg.model.head.num_classes)))

    # Of an augment of another package, only the mixed pictures and labels are known.
    augments = augments_of(model)
    chooser = model.data_preprocessor.batch_augments
    scores = torch.nn.functional.one_hot(labels, cfg.model.head.num_classes).float()
    if chooser and not augments:
        seed_everything(seed)  # MMPretrain's augments draw from global generators
        after, mixed_scores = chooser(before.clone(), scores.clone())
        names = ' or '.join(f"{type(one).__module__.partition('.')[0]}'s {type(one).__name__}"
                            for one in chooser.augments)
        return show_changes(out, normalisation.undo(before), normalisation.undo(after), scores,
                            mixed_scores, classes, names)
    if not augments:
        return show_pictures(out, normalisation.undo(before), [classes[i] for i in labels],
                             'No batch augment: the pictures of the pipeline')
    # Ours draws a mix and then applies it. Doing that here step by step keeps what was drawn.
    augments[0].attach(model)
    then = augments[0] if isinstance(augments[0], MixThenAugment) else None
    augment = then.mix if then else augments[0]
    augment.seed, augment.inplace = seed, False
    history = None
    if isinstance(augment, RecursiveMix):
        # Its sources are an earlier batch, here the same pictures in another order.
        pictures, history_scores = augment(before.roll(1, 0), scores.roll(1, 0))
        history = normalisation.undo(pictures), history_scores
    maps = None if augment.saliency is None else augment.saliency(before, scores)
    mix = augment.draw_for(before, scores)
    after, mixed_scores = augment.apply(mix, before, scores)
    title = title_of(augment)
    if then:
        after, title = then.augment(after), f'{title}; then {then.transform}'
    if isinstance(augment.saliency, ModelSaliency) and checkpoint is None:
        title += '\n(heat map of an untrained network: give --checkpoint)'
    return show_mix(out, mix, before=normalisation.undo(before), after=normalisation.undo(after),
                    scores_before=scores, scores_after=mixed_scores, classes=classes, title=title,
                    saliency=maps, history=history)


def _batch(dataset: Any, preprocessor: Any, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return ``samples`` pictures of ``dataset``, normalised as in training, and their classes."""
    seed_everything(seed)  # transforms of data sets draw from global generators
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:samples]
    items = [dataset[int(i)] for i in chosen]
    labels = torch.cat([item['data_samples'].gt_label for item in items])
    inputs = preprocessor(dict(inputs=torch.stack([item['inputs'] for item in items])))['inputs']
    return inputs, labels
