"""Reading checkpoints of others: tensors and plain values, never code.

MMEngine falls back to unpickling anything when a strict read fails, and a pickle can run code. So
files are read strictly here, before MMEngine sees them.
"""
import contextlib
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

UNSAFE = re.compile(r'GLOBAL (\S+)|Unsupported (?:class|global|operand):? (\S+)')


class CheckpointError(ValueError):
    """A file that cannot be read as a checkpoint; the message names it, the cause, the remedy."""


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint strictly: ``torch.load(weights_only=True)``, on the CPU.

    Beyond what PyTorch allows, only numpy's arrays and scalars and MMEngine's history buffers are
    admitted, which its checkpoints hold. ``.safetensors`` is read by the safetensors package.

    Raises:
        CheckpointError: the file is missing, empty, cut off or damaged, holds no dict, or would
            run code (nothing of it runs).
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f'{path}: no such file; check the path')
    if path.stat().st_size == 0:
        raise CheckpointError(f'{path}: the file is empty; copy or write it again')
    checkpoint = _read_safetensors(path) if path.suffix == '.safetensors' else _read_torch(path)
    if not isinstance(checkpoint, Mapping):
        raise CheckpointError(f'{path}: expected a dict of tensors, got a '
                              f'{type(checkpoint).__name__}; it is not a checkpoint')
    return dict(checkpoint)


def _read_torch(path: Path) -> Any:
    try:
        damaged = zipfile.ZipFile(path).testzip() if zipfile.is_zipfile(path) else None
        if damaged is None:
            with _allow(_mmengine_globals()):
                return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        unsafe = UNSAFE.search(str(error))
        if unsafe:
            raise CheckpointError(
                f'{path}: holds more than tensors and would run code when loaded: '
                f'{unsafe[1] or unsafe[2]}; nothing of it was run. If you trust its author, ask '
                'for a file that loads with weights_only=True') from None
        raise CheckpointError(f'{path}: not a checkpoint of PyTorch, or cut off; '
                              'copy or download it again') from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f'{path}: cut off, damaged, or not a checkpoint of PyTorch '
                              f'({reason}); copy or download it again') from None
    raise CheckpointError(f'{path}: damaged, the checksum of {damaged} is wrong; '
                          'copy or download it again')


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise CheckpointError(f'{path}: reading it needs the safetensors package: '
                              'pip install safetensors') from None
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f'{path}: damaged ({error}); download it again') from None


def _mmengine_globals() -> list[Callable]:
    """What real MMEngine checkpoints hold beyond tensors, by the names they are pickled under."""
    multiarray = getattr(np, '_core', np.core if not hasattr(np, '_core') else None).multiarray
    functions = [_named(getattr(multiarray, name), f'numpy.{core}.multiarray', name)
                 for core in ('core', '_core') for name in ('_reconstruct', 'scalar')]
    dtypes = {type(np.dtype(name)) for name in ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2',
                                                'u4', 'u8', 'bool', 'U1', 'S1')}
    return [*functions, np.ndarray, np.dtype, *dtypes, HistoryBuffer,
            _named(_method_of_history_buffer, 'builtins', 'getattr')]


def _method_of_history_buffer(owner: Any, name: str) -> Callable:
    """``getattr``, for the one thing that MMEngine's checkpoints use it for."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise pickle.UnpicklingError(f'Unsupported global: GLOBAL getattr({owner}, {name!r})')
    return getattr(owner, name)


def _named(function: Callable, module: str, name: str) -> Callable:
    """``function`` under the name that files know it by: PyTorch's allowlist goes by name."""

    def alias(*args):
        return function(*args)

    alias.__module__, alias.__name__, alias.__qualname__ = module, name, name
    return alias


@contextlib.contextmanager
def _allow(allowed: list[Callable]):
    """``torch.serialization.safe_globals``, which came with PyTorch 2.5."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(allowed)
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)
