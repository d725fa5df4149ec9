"""The memory of a check: the pictures that it has decoded. A check that was stopped goes on."""
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..console.progress_bar import Progress
from ..files import write_text
from .pictures import Picture, content_digest, look_at

EVERY = 30.0  # seconds between two times of writing the file


class SeenPictures:
    """The pictures below ``root`` that were decoded, kept in one file of the user's cache folder.

    A picture counts as seen for as long as its size and its time of modification stay the same.
    The file is not written into the data set, which may be read-only, or shared. With ``forget``,
    what the file says is not used.
    """

    def __init__(self, root: Path, forget: bool = False) -> None:
        self.root = Path(os.path.realpath(root))
        name = content_digest(os.fsencode(self.root)).hex()
        self.path = _cache_folder() / 'mmresizemix' / 'pictures' / f'{name}.json'
        self._seen = {} if forget else self._read()
        self._written = time.monotonic()

    def _read(self) -> dict[str, list[Any]]:
        try:
            content = json.loads(self.path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def look_at(self, paths: Iterable[Path],
                progress: Progress | None = None) -> dict[Path, Picture]:
        """Decode the pictures that are new or have changed, and return what all of them are."""
        paths = list(dict.fromkeys(paths))
        known = {path: picture for path in paths if (picture := self._get(path))}
        left = [path for path in paths if path not in known]
        try:
            return known | look_at(left, True, progress, self._keep)
        finally:
            if left:
                self._write()

    def _get(self, path: Path) -> Picture | None:
        try:
            state, width, height, digest = self._seen[self._name(path)]
            found = Picture((int(width), int(height)), digest=bytes.fromhex(digest))
            return found if state == _state(path) else None
        except (KeyError, TypeError, ValueError, OSError):
            return None

    def _keep(self, path: Path, picture: Picture) -> None:
        if picture.size is None:  # a fault is looked at again each time: it may be the disk's
            return
        try:
            self._seen[self._name(path)] = [_state(path), *picture.size, picture.digest.hex()]
        except OSError:  # the file is gone meanwhile
            return
        if time.monotonic() - self._written > EVERY:
            self._write()

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.root)

    def _write(self) -> None:
        self._written = time.monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, json.dumps(self._seen))
        except OSError:  # without the file, a later check decodes everything again
            pass


def _state(path: Path) -> list[int]:
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]


def _cache_folder() -> Path:
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
