"""Loading of the crop that a network sees from the bytes of a picture file, in one step."""
from .. import stack

stack.require_for('loading')

from .decode import EncodedPicture, PictureError  # noqa: E402
from .transform import LoadRandomResizedCrop  # noqa: E402

__all__ = ['EncodedPicture', 'LoadRandomResizedCrop', 'PictureError']
