"""mmcv.ops without its compiled half. The stand-ins are used only if mmcv has no compiled ops."""
from .fallback import install_fallback

__all__ = ['install_fallback']
