"""Looking at picture files, several at a time: their size, whether they decode, their bytes."""
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from os import cpu_count
from pathlib import Path

from PIL import Image

from ..progress import Progress

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')
_ORIENTATION = 0x0112  # EXIF tag; from 5 on, the picture is shown with its sides exchanged


@dataclass(frozen=True)
class Picture:
    """A file: its size (width, height) as OpenCV reads it, or why it cannot be read."""

    size: tuple[int, int] | None = None
    problem: str = ''
    digest: bytes = b''


def pictures_below(folder: Path) -> list[Path]:
    """The picture files in ``folder``, at any depth, by their names."""
    return sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)


def content_digest(content: bytes) -> bytes:
    """16 bytes that tell the bytes of a file from those of another."""
    return blake2b(content, digest_size=16).digest()


def look_at(paths: Iterable[Path], decode: bool = True,
            progress: Progress | None = None) -> dict[Path, Picture]:
    """Read picture files on all cores; without ``decode``, only their headers, and no digest."""
    paths = list(dict.fromkeys(paths))
    pictures = {}
    with ThreadPoolExecutor(cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
        for path, picture in zip(paths, pool.map(_decode if decode else _read_header, paths)):
            pictures[path] = picture
            if progress:
                progress(len(pictures), len(paths))
    return pictures


def _decode(path: Path) -> Picture:
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            size = _size(image)
            image.draft('RGB', (1, 1))  # reads every byte of a JPEG, but skips most of the maths
            image.load()
    except Exception as error:  # Pillow's plugins raise whatever their format's parser raises
        return Picture(problem=_problem(error))
    return Picture(size, digest=content_digest(content))


def _read_header(path: Path) -> Picture:
    try:
        with Image.open(path) as image:
            return Picture(_size(image))
    except Exception as error:
        return Picture(problem=_problem(error))


def _size(image: Image.Image) -> tuple[int, int]:
    sideways = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    return image.size[::-1] if sideways else image.size


def _problem(error: Exception) -> str:
    if 'BytesIO' in str(error) or 'cannot identify' in str(error):
        return 'not a picture'
    return str(error) or type(error).__name__
