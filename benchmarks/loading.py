"""Time reading a JPEG and taking a random crop of 224 px, in pictures per second on one CPU core.

    OMP_NUM_THREADS=1 python benchmarks/loading.py [--pictures data/imagenet/val] [--rounds 15]

Without ``--pictures``, it reads views of the one photograph that comes with matplotlib. They have
500 x 375 px, as ImageNet's pictures have on average.
"""
import random
import tempfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import torch
from matplotlib import get_data_path
from mmcv.transforms import LoadImageFromFile
from mmpretrain.datasets.transforms import RandomResizedCrop
from PIL import Image
from side_by_side import in_turn, parser, report, report_growth, seconds_of
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from mmresizemix.loading import EncodedPicture, LoadRandomResizedCrop

SIDE = 224


def views_of_a_photo(folder: Path, count: int = 100) -> list[Path]:
    # The files are different crops of one photograph, so that they do not hold the same bytes.
    photo = Image.open(Path(get_data_path()) / 'sample_data/grace_hopper.jpg').convert('RGB')
    rng, paths = random.Random(0), []
    for i in range(count):
        w = rng.randint(300, photo.width)
        h = w * 3 // 4
        x, y = rng.randint(0, photo.width - w), rng.randint(0, photo.height - h)
        paths.append(folder / f'{i}.jpg')
        photo.crop((x, y, x + w, y + h)).resize((500, 375), Image.Resampling.LANCZOS).save(
            paths[-1], quality=93)
    return paths


def candidates(paths: list[str]) -> dict:
    found = {'mmresizemix': one_by_one(LoadRandomResizedCrop(SIDE), paths)}
    for backend in ('pillow', 'cv2'):
        load = LoadImageFromFile(imdecode_backend=backend)
        crop = RandomResizedCrop(scale=SIDE, backend=backend)
        name = f'mmpretrain, {backend}' + (' (not antialiased)' if backend == 'cv2' else '')
        found[name] = one_by_one(lambda r, load=load, crop=crop: crop(load(r)), paths)
    crop = v2.RandomResizedCrop(SIDE, antialias=True)
    found['torchvision, PIL'] = one_by_one(
        lambda r: crop(Image.open(r['img_path']).convert('RGB')), paths)
    found['torchvision, tensors'] = one_by_one(
        lambda r: crop(decode_image(read_file(r['img_path']), ImageReadMode.RGB)), paths)
    try:
        found['DALI, one CPU thread'] = dali(paths)
    except ImportError:
        print('nvidia-dali is not installed, so it is left out')
    return found


def one_by_one(transform, paths: list[str]):
    def run() -> None:
        for path in paths:
            transform(dict(img_path=path))
    return run


def dali(paths: list[str]):
    from nvidia.dali import fn, pipeline_def, types

    # DALI must not work ahead of time, since it would do so while the next candidate is timed.
    @pipeline_def(batch_size=len(paths), num_threads=1, device_id=None, exec_async=False,
                  exec_pipelined=False, exec_dynamic=False)
    def pipeline():
        data, _ = fn.readers.file(files=paths)
        crops = fn.decoders.image_random_crop(
            data, device='cpu', random_area=(0.08, 1), random_aspect_ratio=(3 / 4, 4 / 3))
        return fn.resize(crops, size=(SIDE, SIDE), interp_type=types.INTERP_LINEAR,
                         antialias=True)

    built = pipeline()
    built.build()
    return built.run


def one_box(paths: list[Path], scale: float) -> float:
    """Return the seconds per picture for reading its middle, enlarged by ``scale`` beforehand."""
    files = []
    for path in paths[:20]:
        picture, out = Image.open(path).convert('RGB'), BytesIO()
        picture.resize([int(scale * side) for side in picture.size]).save(out, 'JPEG', quality=93)
        files.append(out.getvalue())

    def run() -> None:
        for data in files:
            picture = EncodedPicture(data)
            h, w = picture.size
            picture.crop((w // 8, h // 8, w - w // 8, h - h // 8), (SIDE, SIDE))

    # The minimum is the time with the least disturbance.
    return min(seconds_of(run) for _ in range(5)) / len(files)


def main() -> None:
    args = parser(__doc__)
    args.add_argument('--pictures', type=Path, help='a folder with JPEGs in it or below')
    args.add_argument('--count', type=int, default=100, help='number of pictures (default: 100)')
    args = args.parse_args()
    # The libraries would use all cores, but a worker of a loader has only one.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    np.random.seed(0)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        if args.pictures:
            paths = sorted(args.pictures.rglob('*.jp*g'))[:args.count]
            if not paths:
                raise SystemExit(f'--pictures {args.pictures}: no JPEGs there')
        else:
            paths = views_of_a_photo(Path(scratch), args.count)
        # All candidates read the same pictures. After that, only ours reads larger and larger ones.
        sizes = np.mean([Image.open(path).size for path in paths], axis=0)
        names = [str(path) for path in paths]
        times = in_turn({name: lambda run=run: seconds_of(run)
                         for name, run in candidates(names).items()}, args.rounds)
        what = 'JPEGs' if args.pictures else 'views of one photograph'
        report('loading', 'Reading a JPEG and taking a random crop of 224 px',
               f'{len(paths)} {what} of {sizes[0]:.0f} x {sizes[1]:.0f} px on average, '
               'one CPU thread', times, 'mmpretrain, pillow',
               {'mmresizemix': '>= 2.4, first of all'}, per=len(paths))
        report_growth('growth-loading', 'Reading a crop against the size of the picture',
                      'three quarters of each side, to 224 px', 'pixels per picture',
                      {int(scale**2 * sizes.prod()): one_box(paths, scale)
                       for scale in (1, 2, 4, 8)})


if __name__ == '__main__':
    main()
