"""mmcv.ops on torchvision's kernels, used only where mmcv has no compiled ops."""
from .fallback import install_fallback

__all__ = ['install_fallback']
