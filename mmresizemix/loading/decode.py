"""Decode one crop of an encoded picture at the requested size, antialiased.

JPEGs are decoded fast: libjpeg-turbo (simplejpeg) decodes them at the scale that the crop needs,
since it can halve a picture in the frequency domain. Then torch shrinks them in uint8, or Pillow if
they were halved. Pillow decodes all other files, and JPEGs that simplejpeg cannot read.
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

_ORIENTATION, _UPRIGHT = 0x0112, 1  # EXIF's tag, and its value if no rotation is needed
# libjpeg-turbo can divide sides by these. The cost is then only that of the pixels that are left.
_HALVINGS = (8, 4, 2)
# A crop that is decoded at 1/2, 1/4 or 1/8 keeps at least this many pixels per pixel of the result,
# along each side. With fewer, the frequency domain's sharp cut-off would be visible compared with
# Pillow's triangular filter.
_SPARE = 2
# This is memory for pixels before they are resized. Allocating it each time would cost 5 % of the
# time.
_scratch = threading.local()


class PictureError(ValueError):
    """The error for bytes that are not a picture, or not a whole one."""


class EncodedPicture:
    """An encoded picture. Its size is known at once, and its pixels are decoded when a part is
    requested.

    This holds for JPEGs in gray or YCbCr that are stored upright. All other files are decoded at
    once.

    Args:
        data: the bytes of a JPEG, PNG or any other file that Pillow reads. Grayscale, palettes,
            CMYK and transparency are converted to RGB colours, 16 bits are scaled to 8, and the
            rotation in EXIF is applied. Of an animation, the first picture is read.

    Attributes:
        size: (height, width) in pixels, after the rotation.

    Raises:
        PictureError: the data are not a picture that Pillow knows, the picture is broken, or its
            pixels have 32 bits.
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
        """Return the part in ``box``, resized to ``size`` bilinearly with a filter as wide as the
        reduction (Pillow's ``BILINEAR``, torch's ``antialias=True``).

        Args:
            box: (x1, y1, x2, y2) in pixels, x2 and y2 exclusive.
            size: (height, width) of the result.

        Returns:
            (height, width, 3) uint8, BGR as in OpenMMLab's transforms.

        Raises:
            PictureError: the data cannot be decoded, or the box is not inside the picture.
        """
        (x1, y1, x2, y2), (height, width) = box, self.size
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise PictureError(f'box (x1, y1, x2, y2) {tuple(box)} is not inside a picture of '
                               f'{width} x {height}')
        if self._upright is None:
            try:
                return self._crop_of_jpeg(box, size)
            except ValueError:
                # simplejpeg refuses files that Pillow tolerates, such as those with stray bytes.
                self._upright = _decode_upright(self._data)
        resized = self._upright.resize(size[::-1], Image.Resampling.BILINEAR, box=box)
        return np.ascontiguousarray(np.asarray(resized)[:, :, ::-1])

    def _crop_of_jpeg(self, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
        x1, y1, x2, y2 = box
        # Decode at the smallest scale that leaves enough pixels.
        reduction = min((y2 - y1) / size[0], (x2 - x1) / size[1])
        halving = next((n for n in _HALVINGS if reduction >= _SPARE * n), 1)
        height, width = (-(-side // halving) for side in self.size)
        pixels = simplejpeg.decode_jpeg(
            self._data, 'BGR', min_factor=halving, min_height=height, min_width=width,
            # Coarse chroma would be visible in enlarged pixels.
            fastdct=True, fastupsample=reduction >= 1,
            buffer=_memory(height * width * 3))
        # After halving, the box may end within a pixel, which only Pillow can handle.
        if halving > 1:
            return np.array(Image.fromarray(pixels).resize(
                size[::-1], Image.Resampling.BILINEAR,
                box=(x1 / halving, y1 / halving, x2 / halving, y2 / halving)))
        part = torch.from_numpy(pixels[y1:y2, x1:x2]).permute(2, 0, 1)[None]
        resized = F.interpolate(part, size, mode='bilinear', antialias=True)
        return resized[0].permute(1, 2, 0).numpy()


def _memory(size: int) -> np.ndarray:
    """Return at least ``size`` bytes of memory, which each thread reuses."""
    if len(getattr(_scratch, 'bytes', ())) < size:
        _scratch.bytes = np.empty(size, np.uint8)
    return _scratch.bytes


def _size_of_plain_jpeg(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a JPEG in gray or YCbCr that is stored upright, or None for all
    other files."""
    if not data.startswith(b'\xff\xd8'):
        return None
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    # Look for EXIF only before the pixels, which begin with this marker.
    headers_end = data.find(b'\xff\xda')
    upright = data.find(b'Exif\0\0', 0, headers_end) < 0 or _orientation(data) == _UPRIGHT
    return (height, width) if upright and colorspace in ('YCbCr', 'Gray') else None


def _orientation(data: bytes) -> int:
    with _open(data) as picture:
        return picture.getexif().get(_ORIENTATION, _UPRIGHT)


def decode_whole(data: bytes) -> np.ndarray:
    """Decode a whole picture by Pillow: (height, width, 3) uint8, BGR.

    Raises:
        PictureError: as for :class:`EncodedPicture`.
    """
    return np.ascontiguousarray(np.asarray(_decode_upright(data))[:, :, ::-1])


def _decode_upright(data: bytes) -> Image.Image:
    with _open(data) as picture:
        upright, kind = ImageOps.exif_transpose(picture), picture.format
    # Pillow would clip values to 8 bits instead of scaling them. It reads gray of 16 bits as I;16,
    # and that of the PNM formats as I.
    if upright.mode.startswith('I;16') or (upright.mode == 'I' and kind == 'PPM'):
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    elif upright.mode in ('I', 'F'):
        raise PictureError(f'its pixels have 32 bits (mode {upright.mode} of Pillow), and nothing '
                           'says which of them are black and white; save it with 8 or 16 bits')
    return upright.convert('RGB')


@contextmanager
def _open(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(BytesIO(data)) as picture:
            yield picture
    except Image.UnidentifiedImageError:
        raise PictureError('not a picture that Pillow can read') from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(str(error)) from None
