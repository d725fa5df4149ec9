"""Files that are there whole or not at all."""
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = '.{}.part'  # what a file is called until it is whole


class DiskFullError(OSError):
    """There is no room for a file; says how much it needs and how much is free."""

    def __init__(self, path: Path, needed: int | None = None):
        free = shutil.disk_usage(path.parent).free
        needs = 'more' if needed is None else size_text(needed)
        super().__init__(errno.ENOSPC, f'{path}: the disk is full: needs {needs}, '
                         f'{size_text(free)} free. Make room, then give the same command again.')

    def __str__(self) -> str:
        return str(self.strerror)


def require_space(path: str | Path, size: int) -> None:
    """
    Raises:
        DiskFullError: ``size`` bytes do not fit where ``path`` is to be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < size:
        raise DiskFullError(path, size)


def size_text(size: float) -> str:
    """Bytes as people say them: '1.4 GB'."""
    for unit in ('B', 'kB', 'MB', 'GB'):
        if size < 1000:
            return f'{size:.3g} {unit}'
        size /= 1000
    return f'{size:.3g} TB'


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; what was written there is renamed to ``path`` when
    the block ends well, and removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(UNFINISHED.format(path.name))
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
        _sync(path.parent)  # the name, too, is to outlast a power cut
    except OSError as error:
        if error.errno == errno.ENOSPC and not isinstance(error, DiskFullError):
            raise DiskFullError(path) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what a process that was killed left of :func:`whole_file` in ``folder``, where nobody
    else may be writing."""
    for left in Path(folder).glob(UNFINISHED.format('*')):
        left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file, UTF-8, whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')
    return Path(path)


def write_if_changed(path: Path, text: str) -> None:
    """:func:`write_text`, unless the file holds that already: its time then stays."""
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        write_text(path, text)


def file_sha256(path: str | Path) -> str:
    """The SHA-256 of what the file holds, in hexadecimal."""
    with open(path, 'rb') as file:
        sha = hashlib.sha256()
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()
