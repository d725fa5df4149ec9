"""A guard for mmpretrain's ``RandomBatchAugment``, the only place here that alters upstream.

It appends to its caller's ``probs``, so a second model built from one config raises "Got 2 vs 3".
It is not registered, and mmpretrain's data preprocessor names the class itself, so no subclass can
take its place. ``tests/batch_augments/test_upstream.py`` fails the day upstream copies the list.
"""
import functools
import importlib.util
import sys
from typing import Any

WRAPPER = 'mmpretrain.models.utils.batch_augments.wrapper'


def copy_probs_of_random_batch_augment() -> None:
    """Let ``RandomBatchAugment`` work on a copy of ``probs``, now or once it is imported."""
    if WRAPPER in sys.modules:
        _guard(sys.modules[WRAPPER])
    elif _GuardOnImport not in sys.meta_path:
        sys.meta_path.insert(0, _GuardOnImport)  # importing it now would take seconds


def _guard(wrapper: Any) -> None:
    original = wrapper.RandomBatchAugment.__init__
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def __init__(self: Any, augments: Any, probs: Any = None) -> None:
        original(self, augments, list(probs) if isinstance(probs, (list, tuple)) else probs)

    wrapper.RandomBatchAugment.__init__ = __init__


class _GuardOnImport:
    """Finds the wrapper module as everybody would, and guards it once it has run."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        if name != WRAPPER:
            return None
        sys.meta_path.remove(cls)
        spec: Any = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            _guard(module)

        spec.loader.exec_module = exec_module
        return spec
