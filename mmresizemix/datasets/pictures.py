"""Reading of many picture files at a time: sizes, digests, and whether they can be decoded.

A picture counts as readable if OpenCV reads it, since MMDetection does so, and if Pillow finds it
whole: of a file that is cut off, OpenCV makes a picture whose rest is gray.
"""
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from os import cpu_count
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..console.progress_bar import Progress

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp', '.gif')
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


def look_at(paths: Iterable[Path], decode: bool = True, progress: Progress | None = None,
            keep: Callable[[Path, Picture], None] | None = None) -> dict[Path, Picture]:
    """Read picture files, as many at a time as there are cores.

    Args:
        decode: decode the pictures and compute their digests. If False, read their headers only.
        keep: called with each picture as soon as it is read.
    """
    paths = list(dict.fromkeys(paths))
    pictures = {}
    # Threads are enough: Pillow and OpenCV release the interpreter's lock while they decode.
    with ThreadPoolExecutor(cpu_count()) as pool:
        for path, picture in zip(paths, pool.map(_decode if decode else _read_header, paths)):
            pictures[path] = picture
            if keep:
                keep(path, picture)
            if progress:
                progress(len(pictures), len(paths))
    return pictures


def _decode(path: Path) -> Picture:
    try:
        content = path.read_bytes()
        size, is_jpeg = _whole(content)
        # At an eighth of its size, a JPEG is read whole, but most of the computation is skipped.
        flag = cv2.IMREAD_REDUCED_COLOR_8 if is_jpeg else cv2.IMREAD_COLOR
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag) if content else None
    except Exception as error:  # each plugin of Pillow raises errors of its own
        return Picture(problem=_problem(error))
    if image is None:
        return Picture(problem=_unread(content))
    return Picture(size or (image.shape[1], image.shape[0]), digest=content_digest(content))


def _whole(content: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Decode a picture by Pillow, which refuses one that is cut off. Return its size, or None if it
    has a format that Pillow does not know, and whether it is a JPEG."""
    try:
        image = Image.open(BytesIO(content))
    except UnidentifiedImageError:
        return None, False
    with image:
        size = _size(image)
        image.draft('RGB', (1, 1))
        image.load()
        return size, image.format == 'JPEG'


def _read_header(path: Path) -> Picture:
    try:
        if not cv2.haveImageReader(str(path)):
            return Picture(problem=_unread(path.read_bytes()))
        with Image.open(path) as image:
            return Picture(_size(image))
    except UnidentifiedImageError:
        return Picture()  # OpenCV knows it, and says its size only when it decodes it
    except Exception as error:
        return Picture(problem=_problem(error))


def _unread(content: bytes) -> str:
    """Return why OpenCV does not read a file."""
    try:
        with Image.open(BytesIO(content)) as image:
            kind = f'{image.format}, mode {image.mode}'
    except Exception:
        return 'not a picture'
    return f'OpenCV, which MMDetection uses, does not read it ({kind}): save it as PNG or JPEG'


def _size(image: Image.Image) -> tuple[int, int]:
    # OpenCV turns a picture as its EXIF orientation says, but Pillow does not.
    sideways = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    return image.size[::-1] if sideways else image.size


def _problem(error: Exception) -> str:
    # Pillow's message would name the buffer in memory, which says nothing to the user.
    if 'BytesIO' in str(error) or 'cannot identify' in str(error):
        return 'not a picture'
    return str(error) or type(error).__name__
