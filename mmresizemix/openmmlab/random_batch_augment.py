"""A guard for mmpretrain's ``RandomBatchAugment``.

``RandomBatchAugment`` appends to its caller's ``probs``, so that a second model built from the same
config raises "Got 2 vs 3". The class is not registered, and mmpretrain's data preprocessor names it
directly, so that no subclass can take its place. ``tests/openmmlab/test_random_batch_augment.py``
will fail when upstream copies the list.
"""
import functools
from typing import Any

from .when_imported import when_imported


def copy_probs_of_random_batch_augment() -> None:
    """Let ``RandomBatchAugment`` work on a copy of ``probs``, now or when it is imported."""
    when_imported('mmpretrain.models.utils.batch_augments.wrapper', _guard)


def _guard(wrapper: Any) -> None:
    original = wrapper.RandomBatchAugment.__init__
    # functools.wraps has left this mark if the class is guarded already.
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def __init__(self: Any, augments: Any, probs: Any = None) -> None:
        original(self, augments, list(probs) if isinstance(probs, (list, tuple)) else probs)

    wrapper.RandomBatchAugment.__init__ = __init__
