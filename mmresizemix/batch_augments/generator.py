"""One seed out of several numbers, so that every random stream of a run has a name."""
import zlib

import numpy as np
import torch


def derive_seed(*entropy: int | str) -> int:
    """A 63-bit seed that depends on every element of ``entropy``, and on their order.

    Neighbouring inputs give unrelated streams, which ``seed + rank + epoch`` would not: there
    (seed 0, rank 1) and (seed 1, rank 0) draw alike.

    Args:
        entropy: non-negative integers (seed, rank, epoch, ...) or strings (what the stream is for).

    Source: numpy's ``SeedSequence``.
    """
    numbers = [zlib.crc32(e.encode()) if isinstance(e, str) else int(e) for e in entropy]
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def rank() -> int:
    """This process's rank, 0 where nothing is distributed."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank()
    return 0
