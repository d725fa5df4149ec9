"""A stand-in for ``mmcv._ext``, the compiled half of mmcv.

mmcv publishes no wheel with compiled ops for current PyTorch, and without them ``import
mmdet.models`` fails. The ops that most detectors call are in :mod:`.kernels`. The finder below is
*appended* to ``sys.meta_path``, so that a real ``mmcv._ext`` is always preferred. Any other op
raises only when it is called, since mmcv looks up every name at import;
:func:`.unavailable.require_ops` finds the modules of a model that would call one.
"""
import importlib.machinery
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

EXT = 'mmcv._ext'
BUILD = 'https://mmcv.readthedocs.io/en/latest/get_started/build.html'


def _unavailable(name: str) -> Callable:

    def op(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f'mmcv.ops: {name} needs the compiled ops of mmcv, which are not '
                                  f'installed, and has no stand-in. Build mmcv with its ops: '
                                  f'{BUILD}')

    op.__name__ = name
    return op


class _TorchvisionExt(ModuleType):
    """The module that mmcv gets as ``mmcv._ext``. The ops of :mod:`.kernels` work, any other raises
    an error."""

    def __init__(self, name: str, doc: str | None):
        super().__init__(name, doc)
        self.unavailable: set[str] = set()  # the names without a stand-in that mmcv looked up

    def __getattr__(self, name: str) -> Any:
        # Python's import system looks for such names, which are not ops.
        if name.startswith('__'):
            raise AttributeError(name)
        self.unavailable.add(name)
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
        from .kernels import STAND_INS  # needs PyTorch, which the import of this plugin does not

        for op in STAND_INS:
            setattr(module, op.__name__, op)


def install_fallback() -> None:
    """Let ``import mmcv._ext`` succeed if no compiled one exists. A second call changes nothing."""
    if _FallbackFinder not in sys.meta_path:
        sys.meta_path.append(_FallbackFinder)


def stands_in() -> bool:
    """Whether mmcv has looked for its compiled ops and got the stand-in."""
    return isinstance(sys.modules.get(EXT), _TorchvisionExt)


def unavailable_names() -> set[str]:
    """Return the names of the ops that mmcv knows and cannot call: none if it is compiled, or not
    yet imported."""
    ext = sys.modules.get(EXT)
    return set(ext.unavailable) if isinstance(ext, _TorchvisionExt) else set()
