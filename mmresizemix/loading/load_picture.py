"""A transform that replaces mmpretrain's ``LoadImageFromFile`` in validation."""
from mmcv.transforms import BaseTransform
from mmengine.fileio import get

from ..registry import TRANSFORMS
from .decode import PictureError, decode_whole


@TRANSFORMS.register_module()
class LoadPicture(BaseTransform):
    """Read a whole picture file as :class:`LoadRandomResizedCrop` reads a part of it.

    So training and validation see the same pixels of every kind of file: 16 bits are scaled to 8,
    transparency is dropped, and the rotation in EXIF is applied. (MMPretrain's
    ``LoadImageFromFile`` makes 16-bit pictures white, and puts gray ones with transparency on a
    canvas.) Pictures of 8 bits are read as by ``LoadImageFromFile(imdecode_backend='pillow')``.

    It needs ``img_path`` in its results and sets ``img`` ((H, W, 3) uint8, BGR), ``img_shape`` and
    ``ori_shape``.

    Args:
        backend_args: the arguments of MMEngine's file backend, as for ``LoadImageFromFile``.

    Raises:
        PictureError: the file cannot be decoded. The message names it.
    """

    def __init__(self, backend_args: dict | None = None):
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Read the file and set 'img' ((H, W, 3) uint8, BGR), 'img_shape' and 'ori_shape'."""
        path = results['img_path']
        try:
            img = decode_whole(get(path, backend_args=self.backend_args))
        except PictureError as error:
            raise PictureError(f'{path}: cannot be decoded: {error}') from None
        results.update(img=img, img_shape=img.shape[:2], ori_shape=img.shape[:2])
        return results
