"""A mend for MMEngine before 0.10.8, which cannot read its own checkpoints with PyTorch 2.6 or
newer (mmengine#1655).

There, ``torch.load`` allows only tensors and plain values by default, so resuming and testing fail.
``tests/openmmlab/test_checkpoint.py`` fails when this can go.
"""
from typing import Any

from .stack import is_older
from .when_imported import when_imported


def let_mmengine_read() -> None:
    """Allow what :func:`.checkpoint.load_checkpoint` allows, and MMEngine's history."""
    if is_older('mmengine', '0.10.8') and not is_older('torch', '2.6'):
        when_imported('mmengine.runner.checkpoint', allow)


def allow(_: Any = None) -> None:
    """Allow it now."""
    from mmengine.logging import HistoryBuffer
    from torch.serialization import add_safe_globals

    from .checkpoint import inert_globals
    add_safe_globals(inert_globals(HistoryBuffer))
