"""A hook that names a last batch of one picture, on which batch normalisation cannot be trained."""
import copy
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..openmmlab.random_streams import same_random_numbers
from ..openmmlab.unwrap import unwrapped

REFUSED = 'Expected more than 1 value per channel'  # PyTorch's batch normalisation


class LastBatchHook(Hook):
    """Try a batch of one picture before the first step, if an epoch ends with one.

    Batch normalisation needs two values per channel. Where a network has reduced a picture to one
    pixel, as a ResNet does with 32 x 32, a batch of one has too few: the training would end with
    the last step of its first epoch.

    Raises:
        ValueError: the batch cannot be trained.
    """

    def before_train(self, runner: Runner) -> None:
        """Try the batch on a copy of the model."""
        loader: Any = runner.train_dataloader
        batch, model = loader.batch_size, unwrapped(runner.model)
        pictures = len(loader.sampler) if hasattr(loader.sampler, '__len__') else 0
        if loader.drop_last or not batch or (pictures % batch or batch) != 1 or not hasattr(
                model, 'extract_feat'):
            return
        # Statistics over all processes have a value of each.
        if any(isinstance(one, torch.nn.SyncBatchNorm) for one in model.modules()):
            return
        with same_random_numbers(), torch.no_grad():
            inputs = loader.collate_fn([loader.dataset[0]])
            trial = copy.deepcopy(model).train()
            trial.data_preprocessor.batch_augments = None  # mixing needs two pictures
            try:
                inputs = trial.data_preprocessor(inputs, training=True)['inputs']
                trial.extract_feat(inputs)
            except ValueError as error:
                if REFUSED not in str(error):
                    raise
                raise ValueError(
                    f'train_dataloader: an epoch of {pictures} pictures in batches of {batch} ends '
                    'with a batch of one, on which batch normalisation cannot be trained at this '
                    'size; set train_dataloader.drop_last=True, or another batch_size') from None
