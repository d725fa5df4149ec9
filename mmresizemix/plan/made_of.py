"""The parts of stages: the command of a tool, and checks of the files that they read and write."""
import sys
from pathlib import Path
from typing import Any

from ..files import file_sha256
from ..openmmlab.installed import TOOLS


def python_tool(name: str, *arguments: Any, processes: int = 0) -> list[str]:
    """Return the command that runs one of our tools, through torchrun if ``processes`` > 1."""
    launch, launcher = [], []
    if processes > 1:
        launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(processes)]
        launcher = ['--launcher', 'pytorch']
    return [sys.executable, *launch, str(TOOLS / f'{name}.py'), *map(str, arguments), *launcher]


def absent(path: Path) -> str | None:
    """Return why a stage is not done: its file ``path`` is not there. Return None if it is."""
    return None if path.is_file() else f'{path.name} is not there'


def identity(path: Path) -> dict[str, Any]:
    """Return the size and the modification time of a file, which identify it without reading it.

    Checkpoints are large, and every status command asks for their identity.
    """
    found = path.stat()
    return dict(size=found.st_size, modified=found.st_mtime_ns)


def digest_of(backbone: Path | None) -> str | None:
    """Return the digest of a backbone file, or None if there is no backbone."""
    if backbone is None:
        return None
    from ..openmmlab.checkpoint import load_checkpoint  # needs PyTorch, which most plans' stages
    from ..transfer.export import stamp_of  # and all of --dry-run do without

    # The digest in the stamp is of the weights: exporting the same weights again does not change
    # it, although the file changes.
    stamp = stamp_of(load_checkpoint(backbone))
    return stamp.digest if stamp else file_sha256(backbone)
