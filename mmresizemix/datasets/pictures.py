"""Reading of many picture files at a time: sizes, digests, and whether they can be decoded."""
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from os import cpu_count
from pathlib import Path

from PIL import Image

from ..console.progress_bar import Progress

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')
_ORIENTATION = 0x0112  # the EXIF tag. With a value from 5 on, width and height are exchanged


@dataclass(frozen=True)
class Picture:
    """A picture file: its size (width, height) as OpenCV reads it, or why it cannot be read.

    Args:
        size: None if the file cannot be read.
        problem: why the file cannot be read, or ''.
        digest: the digest of its bytes, or b'' if the file was not decoded.
    """

    size: tuple[int, int] | None = None
    problem: str = ''
    digest: bytes = b''


def pictures_below(folder: Path) -> list[Path]:
    """Return the picture files in ``folder``, at any depth, sorted by their paths. A file is a
    picture if its suffix says so."""
    return sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)


def content_digest(content: bytes) -> bytes:
    """Return a digest of 16 bytes, which differs for files of different content."""
    return blake2b(content, digest_size=16).digest()


def look_at(paths: Iterable[Path], decode: bool = True,
            progress: Progress | None = None) -> dict[Path, Picture]:
    """Read picture files, as many at a time as there are cores.

    Args:
        decode: decode the pictures and compute their digests. If False, read their headers only.
    """
    paths = list(dict.fromkeys(paths))
    pictures = {}
    # Threads are enough: Pillow releases the interpreter's lock while it decodes.
    with ThreadPoolExecutor(cpu_count()) as pool:
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
            # At its smallest size, a JPEG is read whole, but most of the computation is skipped.
            image.draft('RGB', (1, 1))
            image.load()
    except Exception as error:  # each plugin of Pillow raises errors of its own
        return Picture(problem=_problem(error))
    return Picture(size, digest=content_digest(content))


def _read_header(path: Path) -> Picture:
    try:
        with Image.open(path) as image:
            return Picture(_size(image))
    except Exception as error:
        return Picture(problem=_problem(error))


def _size(image: Image.Image) -> tuple[int, int]:
    # OpenCV turns a picture as its EXIF orientation says, but Pillow does not.
    sideways = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    return image.size[::-1] if sideways else image.size


def _problem(error: Exception) -> str:
    # Pillow's message would name the buffer in memory, which says nothing to the user.
    if 'BytesIO' in str(error) or 'cannot identify' in str(error):
        return 'not a picture'
    return str(error) or type(error).__name__
