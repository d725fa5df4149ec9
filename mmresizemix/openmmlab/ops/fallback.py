"""A stand-in for ``mmcv._ext``, the compiled half of mmcv.

mmcv publishes no wheel with compiled ops for current PyTorch, and without them ``import
mmdet.models`` fails. SSD and Faster R-CNN call three: ``nms``, ``roi_align_forward`` and
``roi_align_backward``. torchvision ships the same kernels. The finder below is *appended* to
``sys.meta_path``, so that a real ``mmcv._ext`` is always preferred. Any other op raises only when
it is called, since mmcv looks up every name at import.
"""
import importlib.machinery
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

EXT = 'mmcv._ext'


def _unavailable(name: str) -> Callable:

    def op(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f'mmcv.ops: {name} needs the compiled ops of mmcv, which are not installed. '
            'mmresizemix replaces nms and roi_align only. Build mmcv with its ops: '
            'https://mmcv.readthedocs.io/en/latest/get_started/build.html')

    op.__name__ = name
    return op


class _TorchvisionExt(ModuleType):
    """The module that mmcv gets as ``mmcv._ext``. Three ops work, any other raises an error."""

    def __getattr__(self, name: str) -> Any:
        # Python's import system looks for such names, which are not ops.
        if name.startswith('__'):
            raise AttributeError(name)
        return _unavailable(name)


class _FallbackFinder:
    """A finder for ``mmcv._ext`` alone. It is also the loader of what it finds."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        loader: Any = cls
        return importlib.machinery.ModuleSpec(name, loader) if name == EXT else None

    @staticmethod
    def create_module(spec: Any) -> ModuleType:
        return _TorchvisionExt(spec.name, __doc__)

    @staticmethod
    def exec_module(module: Any) -> None:
        from . import kernels  # needs PyTorch, which the import of this plugin does not

        module.nms = kernels.nms
        module.roi_align_forward = kernels.roi_align_forward
        module.roi_align_backward = kernels.roi_align_backward


def install_fallback() -> None:
    """Let ``import mmcv._ext`` succeed if no compiled one exists. A second call changes nothing."""
    if _FallbackFinder not in sys.meta_path:
        sys.meta_path.append(_FallbackFinder)
