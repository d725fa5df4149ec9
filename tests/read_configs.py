"""A cache that reads each config once per process. A read takes up to half a second, and the tests of configs read
each config several times."""
import copy
from functools import cache
from pathlib import Path

from mmengine.config import Config


def read_once(path: Path) -> Config:
    """Return a copy of the config at ``path``, which may be changed."""
    return copy.deepcopy(_read(path))


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)
