"""A run that is small enough to be repeated. It trains one linear layer on two dozen mixed pictures of noise.

As one of several ranks, it writes what the rank drew, and a signal may stop it::

    small_run.py WORK_DIR [--epochs N] [--stop RANK ITERATION] [--resume]
"""
import argparse
import os
import random
import signal
import socket
import subprocess

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, MODELS
from torch.utils.data import Dataset

import mmresizemix
from mmresizemix.console.processes import die_with_parent
from mmresizemix.training.checkpoints import newest_checkpoint
from mmresizemix.training.launch import build_runner, leave_process_group


@DATASETS.register_module(force=True)
class NoisyPictures(Dataset):
    """Pictures that are augmented by noise from the global generators of Python, numpy and torch."""

    def __len__(self):
        return 24

    def __getitem__(self, index):
        noise = np.random.rand(3, 8, 8).astype('float32')
        return dict(inputs=torch.from_numpy(noise) + torch.rand(3, 8, 8) + random.random() + index)


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
        self.norm = torch.nn.BatchNorm1d(192)
        self.layer = torch.nn.Linear(192, 1)
        self.targets, self.epochs = [], []

    def init_weights(self):
        torch.nn.init.zeros_(self.layer.weight)

    def forward(self, inputs, mode='loss'):
        self.targets.append(self.data_preprocessor.targets)
        if (len(self.targets) - 1) % 6 == 0:
            self.epochs.append([])
        self.epochs[-1].append(inputs.detach().clone())
        out = self.layer(self.norm(inputs.flatten(1))).mean()
        noise = torch.rand(()) + random.random() + np.random.rand()  # a step draws numbers too, not only the loader
        return dict(loss=out + noise * self.layer.bias)


@HOOKS.register_module(force=True)
class SignalAt(Hook):
    """A hook that sends this process a signal at the end of the run's ``at``-th iteration."""

    def __init__(self, at: int, rank: int = 0, number: int = signal.SIGTERM):
        self.at, self.rank, self.number = at, rank, number

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.at and get_rank() == self.rank:
            os.kill(os.getpid(), self.number)


def config(work_dir, epochs, workers=0, resume=False, launcher='none', stop=None) -> Config:
    return Config(dict(
        model=dict(type='OneLayer'),
        work_dir=work_dir,
        train_dataloader=dict(
            batch_size=4 if launcher == 'none' else 2, num_workers=workers, persistent_workers=False,
            worker_init_fn=dict(type='mmresizemix.torch_worker_seeding'),
            dataset=dict(type='NoisyPictures'), sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(type='mmresizemix.ResumableEpochLoop', max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        custom_hooks=[dict(type='mmresizemix.EpochSeedHook')] + (
            [dict(type='SignalAt', **stop)] if stop else []),
        randomness=dict(seed=3),
        resume=resume,
        load_from=str(newest_checkpoint(work_dir)) if resume else None,
        launcher=launcher,
        log_level='WARNING'))


def two_processes(python, work_dir, *arguments, script=__file__) -> list[int]:
    """Run ``script`` as two ranks, and return their exit codes. torchrun would add a second and a half to each run.
    Before Python 3.11.10, a loader's worker hangs at its fork in about one of twenty runs (python/cpython#112275), so a
    run that takes too long is tried once more."""
    try:
        return _two_processes(python, script, work_dir, *arguments, timeout=90)
    except subprocess.TimeoutExpired:
        return _two_processes(python, script, work_dir, *arguments, timeout=240)


def _two_processes(python, *arguments, timeout: float) -> list[int]:
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    ranks = [subprocess.Popen(
        [python, *map(str, arguments)],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'RANK': rank, 'LOCAL_RANK': rank, 'WORLD_SIZE': '2',
             'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port)}) for rank in '01']
    try:
        return [rank.wait(timeout) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('work_dir')
    parser.add_argument('--epochs', type=int, default=1)
    parser.add_argument('--stop', type=int, nargs=2)
    parser.add_argument('--resume', action='store_true')
    args = parser.parse_args()
    die_with_parent()
    stop = args.stop and dict(rank=args.stop[0], at=args.stop[1])
    runner = build_runner(config(args.work_dir, args.epochs, 1, args.resume, 'pytorch', stop))
    runner.train()
    model = runner.model.module
    torch.save(dict(targets=torch.cat(model.targets), next=torch.rand(4), weight=model.layer.weight.detach(),
                    mean=model.norm.running_mean), f'{args.work_dir}/rank{runner.rank}.pth')


if __name__ == '__main__':
    main()
    leave_process_group()
