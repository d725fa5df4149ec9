"""A run small enough to be repeated: sixteen pictures of noise, mixed, into one linear layer.

Run by torchrun it writes what each rank drew.
"""
import sys

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from torch.utils.data import Dataset

import mmresizemix
from mmresizemix.launch import build_runner


@DATASETS.register_module(force=True)
class NoisyPictures(Dataset):
    """Sixteen pictures, augmented by noise from numpy's and torch's global generators."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        noise = np.random.rand(3, 8, 8).astype('float32')
        return dict(inputs=torch.from_numpy(noise) + torch.rand(3, 8, 8) + index)


class _Mixing(torch.nn.Module):

    def __init__(self):
        super().__init__()
        self.batch_augments = type('Chooser', (), dict(augments=[mmresizemix.ResizeMix()]))()

    def forward(self, data, training=False):
        x = torch.stack([torch.as_tensor(i) for i in data['inputs']])
        augment = self.batch_augments.augments[0]
        mix = augment.draw(len(x), (8, 8))
        self.targets = mix.target
        return dict(inputs=augment.apply(mix, x, torch.eye(len(x)))[0])


@MODELS.register_module(force=True)
class OneLayer(BaseModel):

    def __init__(self):
        super().__init__()
        self.data_preprocessor = _Mixing()
        self.layer = torch.nn.Linear(192, 1)
        self.targets, self.epochs = [], []

    def init_weights(self):
        torch.nn.init.zeros_(self.layer.weight)

    def forward(self, inputs, mode='loss'):
        self.targets.append(self.data_preprocessor.targets)
        if (len(self.targets) - 1) % 4 == 0:
            self.epochs.append([])
        self.epochs[-1].append(inputs.detach().clone())
        return dict(loss=self.layer(inputs.flatten(1)).mean() + torch.rand(()) * self.layer.bias)


def config(work_dir, epochs, workers=0, resume=False, launcher='none') -> Config:
    return Config(dict(
        model=dict(type='OneLayer'),
        work_dir=work_dir,
        train_dataloader=dict(
            batch_size=4, num_workers=workers, persistent_workers=False,
            worker_init_fn=dict(type='mmresizemix.torch_worker_seeding'),
            dataset=dict(type='NoisyPictures'), sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        custom_hooks=[dict(type='mmresizemix.EpochSeedHook')],
        randomness=dict(seed=3),
        resume=resume,
        launcher=launcher,
        log_level='WARNING'))


if __name__ == '__main__':
    runner = build_runner(config(sys.argv[1], 1, launcher='pytorch'))
    runner.train()
    model = runner.model.module
    torch.save(dict(targets=torch.cat(model.targets), weight=model.layer.weight.detach()),
               f'{sys.argv[1]}/rank{runner.rank}.pth')
