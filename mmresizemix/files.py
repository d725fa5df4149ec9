"""Writing of files that exist completely or not at all."""
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = '.{}.part'  # the name of a file until it is complete


class DiskFullError(OSError):
    """The error for a file that does not fit on the disk. It says how much is needed and free."""

    def __init__(self, path: Path, needed: int | None = None):
        free = shutil.disk_usage(path.parent).free
        needs = 'more' if needed is None else size_text(needed)
        super().__init__(errno.ENOSPC, f'{path}: the disk is full: needs {needs}, '
                         f'{size_text(free)} free. Free some space, then give the same command '
                         'again.')

    def __str__(self) -> str:
        return str(self.strerror)


def require_space(path: str | Path, size: int) -> None:
    """Create the folder of ``path`` and check that ``size`` bytes are free there.

    Raises:
        DiskFullError: ``size`` bytes do not fit.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < size:
        raise DiskFullError(path, size)


def size_text(size: float) -> str:
    """Return a number of bytes in readable form, e.g. '1.4 GB'."""
    for unit in ('B', 'kB', 'MB', 'GB'):
        if size < 1000:
            return f'{size:.3g} {unit}'
        size /= 1000
    return f'{size:.3g} TB'


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``. What was written there is renamed to ``path`` if the
    block succeeds, and removed if it fails.

    Raises:
        DiskFullError: the disk became full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(UNFINISHED.format(path.name))
    try:
        yield unfinished
        # The data must be on the disk before the name is, and the name before this returns. Else a
        # power cut could leave an empty file, or none.
        _sync(unfinished)
        os.replace(unfinished, path)
        _sync(path.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC and not isinstance(error, DiskFullError):
            raise DiskFullError(path) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: str | Path) -> None:
    """Remove the temporary files that a killed process left of :func:`whole_file` in ``folder``. No
    other process may be writing there."""
    for left in Path(folder).glob(UNFINISHED.format('*')):
        left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file in UTF-8, completely or not at all, and return its path."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')
    return Path(path)


def write_if_changed(path: Path, text: str) -> None:
    """Call :func:`write_text` unless the file already has this text. Its modification time then
    stays."""
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        write_text(path, text)


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of the file's content, in hexadecimal."""
    with open(path, 'rb') as file:
        sha = hashlib.sha256()
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()
