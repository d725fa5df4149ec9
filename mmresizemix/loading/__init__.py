"""From the bytes of a picture file to the crop that a network sees, in one go."""
from .decode import EncodedPicture, PictureError
from .transform import LoadRandomResizedCrop

__all__ = ['EncodedPicture', 'LoadRandomResizedCrop', 'PictureError']
