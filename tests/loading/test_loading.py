"""Tests that the crop is RandomResizedCrop's and its pixels are Pillow's, for every kind of file."""
import pickle
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib import get_data_path
from mmcv.transforms import LoadImageFromFile
from mmengine.registry import TRANSFORMS
from mmpretrain.datasets.transforms import RandomResizedCrop
from PIL import Image, ImageOps

import mmresizemix.loading.decode as decode
from mmresizemix.loading import EncodedPicture, LoadPicture, LoadRandomResizedCrop, PictureError

PHOTO = Path(get_data_path()) / 'sample_data/grace_hopper.jpg'  # 512 x 600, a real photograph
SIDE = 96


@pytest.fixture(scope='module')
def photo() -> Image.Image:
    return Image.open(PHOTO).convert('RGB')


def encoded(picture: Image.Image, kind: str = 'JPEG', **settings) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **settings)
    return out.getvalue()


def by_pillow(data: bytes, box, size) -> np.ndarray:
    """Crop by the definition: decode everything, turn it, cut it and resize it."""
    upright = ImageOps.exif_transpose(Image.open(BytesIO(data))).convert('RGB')
    return np.asarray(upright.crop(box).resize(size[::-1], Image.Resampling.BILINEAR))[:, :, ::-1]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.square(a.astype(float) - b.astype(float)).mean()
    return float('inf') if error == 0 else 10 * np.log10(255**2 / error)


@pytest.mark.parametrize('size', [(375, 500), (500, 333), (64, 64), (30, 900), (900, 30), (1, 1)])
@pytest.mark.parametrize('settings', [{}, dict(crop_ratio_range=(0.5, 0.6), max_attempts=2)])
def test_the_boxes_of_random_resized_crop(tmp_path, monkeypatch, size, settings):
    """This also holds where no box fits and the centre is taken. No more random numbers are drawn."""
    path = tmp_path / 'a.png'
    Image.new('RGB', size[::-1]).save(path)
    taken = []
    monkeypatch.setattr(EncodedPicture, 'crop', lambda self, box, size: (
        taken.append(box) or np.zeros((*size, 3), np.uint8)))
    ours, theirs = (kind(scale=8, **settings)
                    for kind in (LoadRandomResizedCrop, RandomResizedCrop))
    np.random.seed(7)
    for _ in range(50):
        ours(dict(img_path=str(path)))
    after = np.random.rand()
    np.random.seed(7)
    wanted = [theirs.rand_crop_params(np.zeros((*size, 3))) for _ in range(50)]
    assert [(y1, x1, y2 - y1, x2 - x1) for x1, y1, x2, y2 in taken] == wanted
    assert np.random.rand() == after


@pytest.mark.parametrize('subsampling', ['4:4:4', '4:2:2', '4:2:0'])
@pytest.mark.parametrize('enlarged', [1, 4])
def test_at_least_35_dB_of_pillow(photo, subsampling, enlarged):
    """The crops range from enlarged ones to ones that are halved three times on the way."""
    large = photo.resize([enlarged * side for side in photo.size], Image.Resampling.BICUBIC)
    data, rng = encoded(large, quality=90, subsampling=subsampling), np.random.default_rng(0)
    picture = EncodedPicture(data)
    for side in (224, 96, 64, 32):
        for _ in range(6):
            w, h = (int(rng.integers(20, length)) for length in large.size)
            x, y = (int(rng.integers(0, length - part + 1))
                    for length, part in zip(large.size, (w, h)))
            box = (x, y, x + w, y + h)
            got = picture.crop(box, (side, side))
            assert got.shape == (side, side, 3) and got.dtype == np.uint8
            assert psnr(got, by_pillow(data, box, (side, side))) >= 35, (box, side)


def test_decodes_no_more_than_the_crop_needs(photo, monkeypatch):
    decoded = []
    original = decode.simplejpeg.decode_jpeg
    monkeypatch.setattr(decode.simplejpeg, 'decode_jpeg', lambda *a, **k: (
        decoded.append(original(*a, **k)) or decoded[-1]))
    picture = EncodedPicture(encoded(photo))
    for side, parts in {200: 1, 128: 2, 64: 4, 32: 8}.items():
        picture.crop((0, 0, 512, 600), (side, side))
        assert decoded[-1].shape[:2] == (-(-600 // parts), 512 // parts)


def test_antialiased(tmp_path):
    """A fine pattern becomes its mean. Without a low-pass filter it would become stripes."""
    pattern = np.indices((512, 512)).sum(0)[..., None] % 2 * np.full(3, 255)
    data = encoded(Image.fromarray(pattern.astype(np.uint8)), quality=100, subsampling='4:4:4')
    for side in (200, 100, 60):
        inner = EncodedPicture(data).crop((0, 0, 512, 512), (side, side))[2:-2, 2:-2]
        assert abs(inner.astype(int) - 127).max() <= 8


KINDS = {
    'gray': lambda p: encoded(p.convert('L')),
    'CMYK': lambda p: encoded(p.convert('CMYK')),
    'progressive': lambda p: encoded(p, progressive=True),
    'PNG': lambda p: encoded(p, 'PNG'),
    'palette': lambda p: encoded(p.convert('P'), 'PNG'),
    'gray with alpha': lambda p: encoded(p.convert('LA'), 'PNG'),
    'WebP': lambda p: encoded(p, 'WEBP'),
    'stray bytes': lambda p: with_stray_bytes(encoded(p)),
}


def with_stray_bytes(jpeg: bytes) -> bytes:
    """Insert bytes such as some of ImageNet's files have. libjpeg warns of them, and goes on."""
    return jpeg[:-2] + b'\0' * 9 + jpeg[-2:]


@pytest.mark.parametrize('kind', KINDS)
def test_kinds_of_files(photo, kind):
    data, box = KINDS[kind](photo), (40, 30, 400, 500)
    picture = EncodedPicture(data)
    assert picture.size == (600, 512)
    assert psnr(picture.crop(box, (SIDE, SIDE)), by_pillow(data, box, (SIDE, SIDE))) >= 35


def test_gray_of_16_bits():
    gray = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1024
    got = EncodedPicture(encoded(Image.fromarray(gray), 'PNG')).crop((0, 0, 8, 8), (8, 8))
    assert np.array_equal(got, np.repeat((gray >> 8)[..., None], 3, axis=2))


RAMP = (np.arange(64).reshape(8, 8) * 4).astype(np.uint8)  # what each of these shows, gray or in all channels
DEEP = RAMP.astype(np.uint16) * 257
KEPT = {
    'gray': encoded(Image.fromarray(RAMP), 'PNG'),
    'gray of 16 bits': encoded(Image.fromarray(DEEP), 'PNG'),
    'gray of 16 bits, TIFF': encoded(Image.fromarray(DEEP), 'TIFF'),
    'gray of 16 bits, high bytes first': encoded(
        Image.frombytes('I;16B', (8, 8), DEEP.astype('>u2').tobytes()), 'TIFF'),
    'PGM of 16 bits': b'P5\n8 8\n65535\n' + DEEP.astype('>u2').tobytes(),
    'gray with alpha': encoded(Image.fromarray(np.stack([RAMP, 255 - RAMP], -1), 'LA'), 'PNG'),
    'colours with alpha': encoded(Image.fromarray(np.stack([RAMP] * 3 + [255 - RAMP], -1)), 'PNG'),
    'palette': encoded(Image.fromarray(RAMP).convert('P'), 'PNG'),
    'palette, one colour transparent': encoded(Image.fromarray(RAMP).convert('P'), 'PNG', transparency=0),
    'lossless WebP': encoded(Image.fromarray(np.stack([RAMP] * 3, -1)), 'WEBP', lossless=True),
    'animated': encoded(Image.fromarray(RAMP), 'GIF', save_all=True, append_images=[Image.fromarray(255 - RAMP)]),
    'CMYK': encoded(Image.fromarray(np.stack([RAMP] * 3, -1)).convert('CMYK'), 'TIFF'),
}


@pytest.mark.parametrize('kind', KEPT)
def test_training_and_validation_see_the_same_pixels_of_every_kind_of_file(tmp_path, kind):
    path = tmp_path / 'picture'
    path.write_bytes(KEPT[kind])
    shown = np.repeat(RAMP[..., None], 3, axis=2)
    assert np.array_equal(EncodedPicture(KEPT[kind]).crop((0, 0, 8, 8), (8, 8)), shown)
    results = LoadPicture()(dict(img_path=str(path)))
    assert np.array_equal(results['img'], shown) and results['img_shape'] == results['ori_shape'] == (8, 8)


@pytest.mark.parametrize('kind', [k for k in KINDS if k != 'gray with alpha'])
def test_validation_sees_what_mmpretrain_shows_of_usual_files(tmp_path, photo, kind):
    path = tmp_path / 'picture'
    path.write_bytes(KINDS[kind](photo))
    theirs = LoadImageFromFile(imdecode_backend='pillow')(dict(img_path=str(path)))
    ours = LoadPicture()(dict(img_path=str(path)))
    assert np.array_equal(ours['img'], theirs['img']) and ours['img_shape'] == theirs['img_shape']


@pytest.mark.parametrize('pixels', [RAMP.astype(np.float32) / 255, RAMP.astype(np.int32) * 2**20])
def test_pixels_without_a_known_range_are_refused(tmp_path, pixels):
    path = tmp_path / 'deep.tif'
    Image.fromarray(pixels).save(path)
    for load in (LoadPicture(), LoadRandomResizedCrop(SIDE)):
        with pytest.raises(PictureError, match=f'{path}: cannot be decoded: its pixels have 32 bits'):
            load(dict(img_path=str(path)))


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_turned_as_exif_asks(photo, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo, kind, exif=exif.tobytes())
    picture = EncodedPicture(data)
    assert picture.size == ((600, 512) if orientation < 5 else (512, 600))
    box = (10, 20, 410, 500)
    assert psnr(picture.crop(box, (SIDE, SIDE)), by_pillow(data, box, (SIDE, SIDE))) >= 35


def test_pictures_do_not_share_memory(photo):
    """All pictures are decoded into the same memory."""
    box = (0, 0, *photo.size)
    one, two = (EncodedPicture(encoded(p)) for p in (photo, photo.rotate(180)))
    for size in ((600, 512), (100, 100), (20, 20)):
        first = one.crop(box, size)
        kept = first.copy()
        two.crop(box, size)
        assert np.array_equal(first, kept) and first.flags.writeable


BROKEN = {
    'empty': lambda data: b'',
    'text': lambda data: b'<html>404</html>',
    'only its first bytes': lambda data: data[:11],
    'cut off': lambda data: data[:len(data) // 2],
}


@pytest.mark.parametrize('kind', BROKEN)
@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_a_broken_file_is_named(tmp_path, photo, kind, suffix):
    path = tmp_path / f'broken.{suffix}'
    path.write_bytes(BROKEN[kind](encoded(photo, dict(jpg='JPEG', png='PNG')[suffix])))
    for load in (LoadRandomResizedCrop(SIDE, crop_ratio_range=(1, 1)), LoadPicture()):
        with pytest.raises(PictureError, match=f'{path}: cannot be decoded: .+'):
            load(dict(img_path=str(path)))


def test_a_box_outside_is_refused(photo):
    with pytest.raises(PictureError, match=r'box \(x1, y1, x2, y2\) \(0, 0, 513, 9\) .* 512 x 600'):
        EncodedPicture(encoded(photo)).crop((0, 0, 513, 9), (8, 8))


def test_in_a_pipeline(tmp_path):
    crop = TRANSFORMS.build(dict(type='mmresizemix.LoadRandomResizedCrop', scale=(40, SIDE)))
    results = pickle.loads(pickle.dumps(crop))(dict(img_path=str(PHOTO)))
    assert results['img'].shape == (40, SIDE, 3) and results['img'].dtype == np.uint8
    assert results['img_shape'] == (40, SIDE) and results['ori_shape'] == (600, 512)
    with pytest.raises(ValueError, match='unknown settings backend'):
        LoadRandomResizedCrop(SIDE, backend='cv2')
