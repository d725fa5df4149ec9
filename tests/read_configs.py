"""Configs, read once per process: a read takes up to half a second, and the tests of configs read each several
times."""
import copy
from functools import cache
from pathlib import Path

from mmengine.config import Config


def read_once(path: Path) -> Config:
    """A copy of the config at ``path``, to be changed as one likes."""
    return copy.deepcopy(_read(path))


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)
