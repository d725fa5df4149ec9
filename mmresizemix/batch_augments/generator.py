"""Seeds that are derived from several numbers, so that every random stream of a run has its own."""
import zlib

import numpy as np
import torch


def derive_seed(*entropy: int | str) -> int:
    """Return a 63-bit seed that depends on every element of ``entropy`` and on their order.

    Neighbouring inputs give unrelated streams. ``seed + rank + epoch`` would not do so: (seed 0,
    rank 1) and (seed 1, rank 0) would draw the same numbers.

    Args:
        entropy: non-negative integers (seed, rank, epoch, ...) or strings (the purpose of the
            stream).

    Source: numpy's ``SeedSequence``.
    """
    # Python's own hash of a string differs between processes, CRC-32 does not.
    numbers = [zlib.crc32(e.encode()) if isinstance(e, str) else int(e) for e in entropy]
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def rank() -> int:
    """Return the rank of this process, or 0 if nothing is distributed."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank()
    return 0
