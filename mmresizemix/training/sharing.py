"""The shares of several runs on one GPU: how much of its memory and of the machine's cores each may
use.

A plan passes them to its runs through the environment, and :func:`take_share` applies them there.
"""
import os
from typing import Any

from mmengine.config import Config

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
GPU_SHARE, WORKERS = 'MMRESIZEMIX_GPU_SHARE', 'MMRESIZEMIX_WORKERS'
# The usable share of a GPU's memory. PyTorch does not count what CUDA itself takes per process.
USABLE = 0.9


def shared(runs_per_gpu: int, cores: int) -> dict[str, str]:
    """Return the environment for each of several runs on one GPU.

    Args:
        runs_per_gpu: the number of runs that share a GPU.
        cores: the number of cores for each run. One trains, the others load.
    """
    return {GPU_SHARE: str(USABLE / runs_per_gpu), WORKERS: str(max(1, cores - 1)),
            'OMP_NUM_THREADS': '1'}


def take_share(cfg: Config) -> None:
    """Limit this process and the loaders of ``cfg`` to the share that the environment sets, if any.

    A run that wants more memory than its share fails, instead of one of its neighbours.
    """
    if os.environ.get(GPU_SHARE):
        import torch  # plans use this module, too, and do without
        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(float(os.environ[GPU_SHARE]))
    if os.environ.get(WORKERS):
        for name in LOADERS:
            loader: Any = cfg.get(name) or {}
            if 'num_workers' in loader:
                loader.num_workers = min(loader.num_workers, int(os.environ[WORKERS]))
