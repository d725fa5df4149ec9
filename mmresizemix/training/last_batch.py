"""A hook that names a last batch of one picture, on which batch normalisation cannot be trained."""
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from ..openmmlab.random_streams import same_random_numbers
from ..openmmlab.unwrap import unwrapped


class LastBatchHook(Hook):
    """Look at the sizes of features before the first step, if an epoch ends with a batch of one.

    Batch normalisation needs two values per channel. Where a network has reduced a picture to one
    pixel, as a ResNet does with 32 x 32, a batch of one has too few: PyTorch would stop at the last
    step of the first epoch.

    Raises:
        ValueError: a layer would get one value per channel.
    """

    def before_train(self, runner: Runner) -> None:
        """Let the model see one picture, if its last batch has one."""
        loader: Any = runner.train_dataloader
        batch, model = loader.batch_size, unwrapped(runner.model)
        pictures = len(loader.sampler) if hasattr(loader.sampler, '__len__') else 0
        if loader.drop_last or not batch or (pictures % batch or batch) != 1:
            return
        # Layers whose statistics are frozen, or are those of all processes, need no second value.
        layers = [one for one in model.train().modules() if isinstance(one, _BatchNorm)
                  and one.training and not isinstance(one, torch.nn.SyncBatchNorm)]
        if layers and hasattr(model, 'extract_feat') and 1 in _values_per_channel(
                model, layers, loader):
            raise ValueError(
                f'train_dataloader: an epoch of {pictures} pictures in batches of {batch} ends '
                'with a batch of one, on which batch normalisation cannot be trained at this size; '
                'set train_dataloader.drop_last=True, or another batch_size')


def _values_per_channel(model: Any, layers: list[_BatchNorm], loader: Any) -> set[int]:
    """Return how many values per channel the layers get of a picture. Nothing is trained by it."""
    seen = set[int]()
    handles = [one.register_forward_pre_hook(
        lambda _, inputs: seen.add(inputs[0].numel() // inputs[0].shape[1])) for one in layers]
    try:
        with same_random_numbers(), torch.no_grad():
            data = loader.collate_fn([loader.dataset[0]])
            model.eval().extract_feat(model.data_preprocessor(data, training=False)['inputs'])
    finally:
        model.train()
        for handle in handles:
            handle.remove()
    return seen
