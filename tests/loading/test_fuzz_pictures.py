"""Tests that no bytes end the reading of a picture in another error than PictureError, that training and validation see
the same pixels of what they read, and that what a check of detection sets calls sound is read by MMDetection. Hypothesis
draws the changes: a few by default, many with --full."""
from io import BytesIO

import mmcv
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mmresizemix.datasets.pictures import look_at
from mmresizemix.loading import EncodedPicture, PictureError
from mmresizemix.loading.decode import decode_whole

SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6
# (suffix, mode, how Pillow is asked to write it)
KINDS = [('jpg', 'RGB', {}), ('jpg', 'L', {}), ('jpg', 'CMYK', {}), ('jpg', 'RGB', dict(progressive=True)),
         ('jpg', 'RGB', dict(exif=SIDEWAYS)), ('png', 'RGB', {}), ('png', 'RGBA', {}), ('png', 'LA', {}), ('png', 'P', {}),
         ('png', '1', {}), ('png', 'I;16', {}), ('bmp', 'RGB', {}), ('ppm', 'RGB', {}), ('pgm', 'L', {}),
         ('pgm', 'I;16', {}), ('tif', 'RGB', {}), ('tif', 'F', {}), ('webp', 'RGB', {}), ('gif', 'P', {})]
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=8)), max_size=3)


def encoded(suffix, mode, options):
    rows, columns = np.mgrid[:40, :48]
    pixels = np.stack((5 * rows, 5 * columns, 2 * (rows + columns)), 2).astype(np.uint8)
    picture = Image.fromarray(pixels)
    if mode == 'I;16':
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) << 8)
    elif mode not in ('RGB', 'F'):
        picture = picture.convert(mode)
    elif mode == 'F':
        picture = picture.convert('L').convert('F')
    file = BytesIO()
    picture.save(file, Image.registered_extensions()[f'.{suffix}'], **options)
    return suffix, file.getvalue()


@pytest.fixture
def examples(full) -> settings:
    return settings(max_examples=5000 if full else 150, deadline=None, derandomize=not full, database=None,
                    suppress_health_check=list(HealthCheck))


def pixels_or_none(read):
    try:
        return read()
    except PictureError:
        return None


def whole_crop(data):
    picture = EncodedPicture(data)
    height, width = picture.size
    return picture.crop((0, 0, width, height), (height, width))


@pytest.mark.filterwarnings('ignore')  # Pillow warns of metadata that are cut off
def test_whatever_bytes_a_picture_has(tmp_path, examples):
    sound = [encoded(*kind) for kind in KINDS]

    @examples
    @given(st.sampled_from(sound), CHANGES)
    def try_one(picture, changes):
        suffix, data = picture
        for at, cut, put in changes:
            place = int(at * len(data))
            data = data[:place] + put + data[place + cut:]
        # Training and validation of a classifier.
        training, validation = pixels_or_none(lambda: whole_crop(data)), pixels_or_none(lambda: decode_whole(data))
        assert (training is None) == (validation is None)
        if training is not None:
            assert training.shape == validation.shape and training.dtype == validation.dtype == np.uint8
            # A fast transform of a JPEG differs by its rounding, and by more of coefficients that are damaged.
            if suffix != 'jpg' or not changes:
                assert abs(training.astype(int) - validation).mean() < (2 if suffix == 'jpg' else 1e-9)
        # The check of a detection set, and MMDetection.
        path = tmp_path / f'x.{suffix}'
        path.write_bytes(data)
        assert isinstance(look_at([path], decode=False)[path].problem, str)
        found = look_at([path])[path]
        if not found.problem:
            read = mmcv.imfrombytes(data)
            assert read is not None and read.shape[1::-1] == found.size

    try_one()
