"""Load the crop that a network sees from the bytes of a picture file, in one step."""
from ..openmmlab import stack

stack.require_for('loading')

from .decode import EncodedPicture, PictureError  # noqa: E402
from .load_picture import LoadPicture  # noqa: E402
from .random_resized_crop import LoadRandomResizedCrop  # noqa: E402

__all__ = ['EncodedPicture', 'LoadPicture', 'LoadRandomResizedCrop', 'PictureError']
