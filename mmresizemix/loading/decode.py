"""One crop of an encoded picture at the size that is asked for, antialiased.

JPEGs take a short way: libjpeg-turbo (simplejpeg) decodes them at the scale that the crop needs (it
can halve a picture in the frequency domain), torch shrinks them in uint8. All else, and what
simplejpeg will not read, goes through Pillow.
"""
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import simplejpeg
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps

_ORIENTATION, _UPRIGHT = 0x0112, 1  # EXIF's tag, and its value for a picture stored as it is seen
_HALVINGS = (8, 4, 2)  # what libjpeg-turbo divides sides by at no cost but that of the pixels left
# A crop that is decoded at 1/2, 1/4 or 1/8 keeps this many pixels for one of the result: with
# fewer, the frequency domain's sharp cut-off would show beside Pillow's triangular filter.
_SPARE = 2
_scratch = threading.local()  # pixels before they are resized: fresh memory costs 5 % of the time


class PictureError(ValueError):
    """Bytes that are no picture, or not a whole one."""


class EncodedPicture:
    """A picture file's bytes: its size at once, its pixels when a part is asked for (those of a
    JPEG that is stored upright; all else is decoded at once).

    Args:
        data: a JPEG, PNG or any file that Pillow reads. Grayscale, palettes, CMYK and transparency
            become colours, the rotation that EXIF asks for is carried out.

    Attributes:
        size: (height, width) in pixels, as seen.

    Raises:
        PictureError: not a picture that Pillow knows, or a broken one.
    """

    def __init__(self, data: bytes):
        self._data = data
        self._upright: Image.Image | None = None
        size = _size_of_plain_jpeg(data)
        if size is None:
            self._upright = _decode_upright(data)
            size = self._upright.size[::-1]
        self.size = size

    def crop(self, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
        """The part in ``box``, resized to ``size``: bilinear, with a filter as wide as the
        reduction (Pillow's ``BILINEAR``, torch's ``antialias=True``).

        Args:
            box: (x1, y1, x2, y2) in pixels, x2 and y2 exclusive.
            size: (height, width) of the result.

        Returns:
            (height, width, 3) uint8, BGR as OpenMMLab's transforms have it.

        Raises:
            PictureError: the data cannot be decoded, or the box leaves the picture.
        """
        (x1, y1, x2, y2), (height, width) = box, self.size
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise PictureError(f'box (x1, y1, x2, y2) {tuple(box)} is not inside a picture of '
                               f'{width} x {height}')
        if self._upright is None:
            try:
                return self._crop_of_jpeg(box, size)
            except ValueError:  # simplejpeg refuses what Pillow forgives, such as stray bytes
                self._upright = _decode_upright(self._data)
        resized = self._upright.resize(size[::-1], Image.Resampling.BILINEAR, box=box)
        return np.ascontiguousarray(np.asarray(resized)[:, :, ::-1])

    def _crop_of_jpeg(self, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
        x1, y1, x2, y2 = box
        reduction = min((y2 - y1) / size[0], (x2 - x1) / size[1])
        halving = next((n for n in _HALVINGS if reduction >= _SPARE * n), 1)
        height, width = (-(-side // halving) for side in self.size)
        pixels = simplejpeg.decode_jpeg(
            self._data, 'BGR', min_factor=halving, min_height=height, min_width=width,
            fastdct=True, fastupsample=reduction >= 1,  # coarse chroma shows in enlarged pixels
            buffer=_memory(height * width * 3))
        if halving > 1:  # the box has fractions of pixels now, which only Pillow takes
            return np.array(Image.fromarray(pixels).resize(
                size[::-1], Image.Resampling.BILINEAR,
                box=(x1 / halving, y1 / halving, x2 / halving, y2 / halving)))
        part = torch.from_numpy(pixels[y1:y2, x1:x2]).permute(2, 0, 1)[None]
        resized = F.interpolate(part, size, mode='bilinear', antialias=True)
        return resized[0].permute(1, 2, 0).numpy()


def _memory(size: int) -> np.ndarray:
    """At least ``size`` bytes, the same ones every time in a thread."""
    if len(getattr(_scratch, 'bytes', ())) < size:
        _scratch.bytes = np.empty(size, np.uint8)
    return _scratch.bytes


def _size_of_plain_jpeg(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a JPEG in gray or YCbCr that is stored upright; None for all else."""
    if not data.startswith(b'\xff\xd8'):
        return None
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    headers_end = data.find(b'\xff\xda')  # where the pixels begin
    upright = data.find(b'Exif\0\0', 0, headers_end) < 0 or _orientation(data) == _UPRIGHT
    return (height, width) if upright and colorspace in ('YCbCr', 'Gray') else None


def _orientation(data: bytes) -> int:
    with _open(data) as picture:
        return picture.getexif().get(_ORIENTATION, _UPRIGHT)


def _decode_upright(data: bytes) -> Image.Image:
    with _open(data) as picture:
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith('I;16'):  # Pillow would clip its values instead of scaling them
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    return upright.convert('RGB')


@contextmanager
def _open(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(BytesIO(data)) as picture:
            yield picture
    except Image.UnidentifiedImageError:
        raise PictureError('not a picture that Pillow knows') from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(str(error)) from None
