"""mmcv.ops on torchvision's kernels. They are used only if mmcv has no compiled ops."""
from .fallback import install_fallback

__all__ = ['install_fallback']
