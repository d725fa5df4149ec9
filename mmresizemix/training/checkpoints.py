"""The checkpoint that a run resumes from."""
from collections.abc import Iterable
from pathlib import Path

from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from .resuming import INTERRUPTED


def newest_checkpoint(work_dir: str) -> Path | None:
    """Return the newest of ``epoch_N.pth``, ``iter_N.pth`` and ``interrupted.pth`` that can be read
    completely, or None.

    MMEngine writes checkpoints in place, so that the newest may be incomplete. The function prints
    which ones it skips.
    """
    found = [p for kind in ('epoch', 'iter') for p in Path(work_dir).glob(f'{kind}_*.pth')]
    found.sort(key=lambda p: int(p.stem.rpartition('_')[2]), reverse=True)
    # An interruption may be older or newer than the regular checkpoints.
    regular = _first_readable(found)
    stopped = _first_readable(p for p in [Path(work_dir) / INTERRUPTED] if p.is_file())
    newest = max((one for one in (regular, stopped) if one), key=lambda one: one[1], default=None)
    return newest and newest[0]


def _first_readable(paths: Iterable[Path]) -> tuple[Path, int] | None:
    """Return (path, iteration) of the first checkpoint that can be read, or None."""
    for path in paths:
        try:
            return path, load_checkpoint(path).get('meta', {}).get('iter', 0)
        except CheckpointError as error:
            print(f'Skipping a checkpoint that cannot be read: {error}')
    return None
