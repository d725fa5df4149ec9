"""What is written about each stage, so that any later command knows where it stands."""
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_text

STARTED, DONE, FAILED = 'started', 'done', 'failed'


@dataclass(frozen=True)
class Record:
    """A stage as it was last left, ``<root>/stages/<slug>.json``.

    Args:
        state: 'started', 'done' or 'failed'.
        inputs: what its result depends on, by dotted name.
        reason: why it failed.
        seconds: that it has taken so far, over all attempts.
        began: when the last attempt began, in seconds since 1970.
    """
    state: str
    inputs: dict[str, Any]
    command: list[str] = field(default_factory=list)
    attempts: int = 0
    reason: str | None = None
    seconds: float = 0.0
    began: float = 0.0

    @classmethod
    def read(cls, path: Path) -> 'Record | None':
        """None where there is none, or one that cannot be read: then the stage was never run."""
        try:
            return cls(**json.loads(path.read_text(encoding='utf-8')))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """As json, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=1))


def plain(value: Any) -> Any:
    """``value`` as it comes back from json, for comparison with what was written."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))


class Held(RuntimeError):
    """Somebody else has the lock; says who."""


@contextmanager
def lock(path: Path) -> Iterator[int]:
    """Hold ``path`` while the block runs, and yield its descriptor: a process that inherits it
    holds the lock, too, also when this one is killed. The kernel lets go of it at the end of the
    last of them, so that no lock outlives its owners, a reboot included.

    Raises:
        Held: somebody has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(os.pread(descriptor, 4096, 0).decode(errors='replace').strip()
                       or 'another process') from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f'process {os.getpid()} on {socket.gethostname()} since '
                  f'{time.strftime("%Y-%m-%d %H:%M:%S")}'.encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a live process has the lock file ``path``."""
    if not path.is_file():
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
