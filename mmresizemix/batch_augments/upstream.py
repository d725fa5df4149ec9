"""A guard for mmpretrain's ``RandomBatchAugment``. No other module of this folder alters upstream.

``RandomBatchAugment`` appends to its caller's ``probs``, so that a second model built from the same
config raises "Got 2 vs 3". The class is not registered, and mmpretrain's data preprocessor names it
directly, so that no subclass can take its place. ``tests/batch_augments/test_upstream.py`` will
fail when upstream copies the list.
"""
import functools
import importlib.util
import sys
from typing import Any

WRAPPER = 'mmpretrain.models.utils.batch_augments.wrapper'


def copy_probs_of_random_batch_augment() -> None:
    """Let ``RandomBatchAugment`` work on a copy of ``probs``, now or when it is imported."""
    if WRAPPER in sys.modules:
        _guard(sys.modules[WRAPPER])
    elif _GuardOnImport not in sys.meta_path:
        # Importing the module now would take seconds.
        sys.meta_path.insert(0, _GuardOnImport)


def _guard(wrapper: Any) -> None:
    original = wrapper.RandomBatchAugment.__init__
    # functools.wraps has left this mark if the class is guarded already.
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def __init__(self: Any, augments: Any, probs: Any = None) -> None:
        original(self, augments, list(probs) if isinstance(probs, (list, tuple)) else probs)

    wrapper.RandomBatchAugment.__init__ = __init__


class _GuardOnImport:
    """A finder that finds the wrapper module as Python would, and guards it after its import."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        if name != WRAPPER:
            return None
        # Without this, the search below would come back here.
        sys.meta_path.remove(cls)
        spec: Any = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            _guard(module)

        spec.loader.exec_module = exec_module
        return spec
