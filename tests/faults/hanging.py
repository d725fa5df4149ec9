"""Imported by a config: a loader's worker that hangs in its first batch, once."""
import time
from pathlib import Path

from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def hang_once(batch, marker: str):
    if not Path(marker).exists():
        Path(marker).touch()
        time.sleep(10000)
    return pseudo_collate(batch)
