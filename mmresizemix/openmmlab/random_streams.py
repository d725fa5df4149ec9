"""A context that leaves the global random streams as they were."""
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Leave the random streams of Python, NumPy and PyTorch as they were, on the CPU and on the
    GPUs."""
    gpus = torch.cuda.is_initialized()
    states = (random.getstate(), np.random.get_state(), torch.get_rng_state(),
              torch.cuda.get_rng_state_all() if gpus else None)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if states[3] is not None:
            torch.cuda.set_rng_state_all(states[3])
