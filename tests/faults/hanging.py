"""A module for a config to import. It makes a loader's worker hang once, in its first batch."""
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
