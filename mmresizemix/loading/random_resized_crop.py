"""A transform that replaces mmpretrain's ``LoadImageFromFile`` and ``RandomResizedCrop``."""
from types import SimpleNamespace
from typing import Any

from mmengine.fileio import get
from mmpretrain.datasets.transforms import RandomResizedCrop

from ..registry import TRANSFORMS
from .decode import EncodedPicture, PictureError


@TRANSFORMS.register_module()
class LoadRandomResizedCrop(RandomResizedCrop):
    """Read a picture file and return a random part of it, resized and antialiased.

    It draws the same boxes as ``RandomResizedCrop``, from the same random numbers, but before the
    picture is decoded, so that only what the box needs is decoded. In a pipeline it replaces
    ``LoadImageFromFile`` and ``RandomResizedCrop``::

        dict(type='mmresizemix.LoadRandomResizedCrop', scale=224)

    It needs ``img_path`` in its results and sets ``img`` ((H, W, 3) uint8, BGR), ``img_shape`` and
    ``ori_shape``.

    Args:
        scale, crop_ratio_range, aspect_ratio_range, max_attempts: as for ``RandomResizedCrop``.
        backend_args: the arguments of MMEngine's file backend, as for ``LoadImageFromFile``.

    Raises:
        ValueError: a setting is not one of these.
        PictureError: the file cannot be decoded. The message names it.
    """

    def __init__(self, scale: int | tuple[int, int], *, backend_args: dict | None = None,
                 **settings: Any):
        unknown = set(settings) - {'crop_ratio_range', 'aspect_ratio_range', 'max_attempts'}
        if unknown:
            raise ValueError('LoadRandomResizedCrop: unknown settings '
                             f'{", ".join(sorted(unknown))}; it is always bilinear and antialiased')
        super().__init__(scale, **settings)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Read the file and set 'img' ((H, W, 3) uint8, BGR), 'img_shape' and 'ori_shape'."""
        path = results['img_path']
        data = get(path, backend_args=self.backend_args)
        try:
            picture = EncodedPicture(data)
            # rand_crop_params reads only the shape of a picture.
            y, x, height, width = self.rand_crop_params(SimpleNamespace(shape=picture.size))
            img = picture.crop((x, y, x + width, y + height), tuple(self.scale))
        except PictureError as error:
            raise PictureError(f'{path}: cannot be decoded: {error}') from None
        results.update(img=img, img_shape=img.shape[:2], ori_shape=picture.size)
        return results
