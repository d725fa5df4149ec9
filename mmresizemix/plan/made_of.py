"""What stages are made of: the command of a tool, and the files that they read and leave."""
import sys
from pathlib import Path
from typing import Any

from ..files import file_sha256
from ..installed import TOOLS
from ..transfer import load_checkpoint
from ..transfer.export import stamp_of


def python_tool(name: str, *arguments: Any, processes: int = 0) -> list[str]:
    """A tool of ours, as a command; of several ``processes`` through torchrun."""
    launch, launcher = [], []
    if processes > 1:
        launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(processes)]
        launcher = ['--launcher', 'pytorch']
    return [sys.executable, *launch, str(TOOLS / f'{name}.py'), *map(str, arguments), *launcher]


def absent(path: Path) -> str | None:
    """Why a stage is not done: its file is not there."""
    return None if path.is_file() else f'{path.name} is not there'


def identity(path: Path) -> dict[str, Any]:
    """Of a large file, without reading it all each time somebody asks."""
    found = path.stat()
    return dict(size=found.st_size, modified=found.st_mtime_ns)


def digest_of(backbone: Path | None) -> str | None:
    """The backbone's own digest: exporting the same weights again changes nothing."""
    if backbone is None:
        return None
    stamp = stamp_of(load_checkpoint(backbone))
    return stamp.digest if stamp else file_sha256(backbone)
