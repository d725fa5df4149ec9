"""Records and locks of stages, by which any later command knows their state."""
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..files import write_text
from .status import Status


@dataclass(frozen=True)
class StageRecord:
    """The recorded state of one stage, kept in ``<root>/stages/<slug>.json``.

    Args:
        state: STARTED, DONE or FAILED.
        inputs: what the result depends on, by dotted name.
        reason: why the stage failed.
        seconds: the time that it has taken so far, over all attempts.
        began: when the last attempt began, in seconds since 1970.
    """
    state: Status
    inputs: dict[str, Any]
    command: list[str] = field(default_factory=list)
    attempts: int = 0
    reason: str | None = None
    seconds: float = 0.0
    began: float = 0.0

    @classmethod
    def read(cls, path: Path) -> 'StageRecord | None':
        """Read a record. Return None if there is none, or if it cannot be read: the stage then
        counts as never run."""
        try:
            found = cls(**json.loads(path.read_text(encoding='utf-8')))
            return replace(found, state=Status(found.state))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the record to ``path`` as JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=1))


def plain(value: Any) -> Any:
    """Return ``value`` as it is read back from JSON, to compare it with what was written."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))


class Held(RuntimeError):
    """Raised if another process holds the lock. The message says which one."""


@contextmanager
def lock(path: Path) -> Iterator[int]:
    """Hold the lock file ``path`` while the block runs, and yield its file descriptor.

    A process that inherits the descriptor holds the lock, too, even after this process is killed.
    The kernel releases the lock when the last of them has ended, so no lock outlives its owners,
    not even after a reboot.

    Raises:
        Held: another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(os.pread(descriptor, 4096, 0).decode(errors='replace').strip()
                       or 'another process') from None
        # Say in the file who holds it, for the message of others that ask.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f'process {os.getpid()} on {socket.gethostname()} since '
                  f'{time.strftime("%Y-%m-%d %H:%M:%S")}'.encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a live process holds the lock file ``path``."""
    if not path.is_file():
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # The only way to ask is to try. If it succeeds, closing the file releases the lock again.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
