"""From the bytes of a picture file to the crop that a network sees, in one go."""
from .. import stack

stack.require_for('loading')

from .decode import EncodedPicture, PictureError  # noqa: E402
from .transform import LoadRandomResizedCrop  # noqa: E402

__all__ = ['EncodedPicture', 'LoadRandomResizedCrop', 'PictureError']
