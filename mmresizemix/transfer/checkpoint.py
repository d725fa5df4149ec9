"""Read a checkpoint without running anything that it may carry.

MMEngine tries ``weights_only=True`` and, when a file wants more, unpickles it whole: a prepared
file then runs code (mmengine/runner/checkpoint.py, ``_safe_torch_load``). Here there is no second
try. What real MMEngine checkpoints need beyond tensors is listed below and is inert.
"""
import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or is not what it should be; says path, cause, remedy."""


def load_checkpoint(path: str | Path) -> dict:
    """Read ``.pth`` (PyTorch, MMEngine) or ``.safetensors``, on the CPU.

    Checksums are compared, as ``torch.load`` does not. The logged history in an MMEngine
    checkpoint's ``message_hub`` is passed over.

    Raises:
        CheckpointError: the file is missing, cut off or damaged, is no checkpoint, or asks for
            more than tensors and plain values. Nothing in it has run.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f'{path}: no such file. Check the path.')
    checkpoint = _read_safetensors(path) if path.suffix == '.safetensors' else _read_torch(path)
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{path}: holds a {type(checkpoint).__name__}, not a dict of '
                              'tensors. Save model.state_dict().')
    return checkpoint


def _read_torch(path: Path) -> object:
    _check_whole(path)
    try:
        with _only(_inert_globals()), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of odd protocols: the error says what is wrong
            return torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # of any kind: what a damaged file does to a parser is open
        raise CheckpointError(f'{path}: {_cause(error)}') from None


def _check_whole(path: Path) -> None:
    """A file cut off in writing or changed in copying, which torch.load reads silently."""
    with open(path, 'rb') as file:
        start = file.read(4)
    damaged = None if start else 'is empty'
    if start == b'PK\x03\x04':
        try:
            with zipfile.ZipFile(path) as archive:
                member = archive.testzip()
            damaged = member and f'is damaged (wrong checksum of {member})'
        except (zipfile.BadZipFile, EOFError, OSError):
            damaged = 'is cut off'
    if damaged:
        raise CheckpointError(f'{path}: {damaged}. Copy or download it again, or take an earlier '
                              'checkpoint.')


def _cause(error: Exception) -> str:
    wanted = re.search(r'GLOBAL (\S+)', str(error))
    if isinstance(error, pickle.UnpicklingError) and wanted:
        return (f'calls for {wanted[1]}; a checkpoint holds tensors and plain values, anything '
                'else could run code. Nothing of it was run. Where you trust its source, save '
                'model.state_dict() from it.')
    return (f'is not a checkpoint, or is cut off ({type(error).__name__} while reading). Expected '
            'a dict of tensors as torch.save writes it.')


def _read_safetensors(path: Path) -> dict:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise CheckpointError(f'{path}: needs the package safetensors. Install it with: '
                              'pip install safetensors') from None
    try:
        return load_file(path)
    except Exception as error:
        raise CheckpointError(f'{path}: is not a whole safetensors file ({error}). Download it '
                              'again.') from None


@contextmanager
def _only(allowed: list) -> Iterator[None]:
    # torch.serialization.safe_globals came with torch 2.5
    before = get_safe_globals()
    clear_safe_globals()
    add_safe_globals(allowed)
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


# Stands in for MMEngine's HistoryBuffer, whose own unpickling writes into its class.
_History = type('HistoryBuffer', (), dict(
    __module__='mmengine.logging.history_buffer', __setstate__=lambda self, state: None))


def _inert_globals(history: type = _History) -> list[Callable | tuple[Callable, str]]:

    def attribute(owner: object, name: str) -> object:
        """Stands in for ``getattr``, by which a history refers to its own statistics."""
        if owner is not history or name.startswith('_'):
            raise pickle.UnpicklingError(f'Unsupported global: GLOBAL getattr of {name}')
        return getattr(history, name, None)

    # numpy 2 moved numpy.core to numpy._core; files of both name theirs
    core = getattr(np, '_core' if hasattr(np, '_core') else 'core').multiarray
    functions = [
        _named(f'numpy.{name}.multiarray', function, wrapped)
        for name in ('core', '_core')
        for function, wrapped in (('scalar', core.scalar), ('_reconstruct', core._reconstruct))
    ]
    functions += [_named(m, 'getattr', attribute) for m in ('builtins', '__builtin__')]
    # timm and torchvision keep the options of the training in an argparse.Namespace
    return [np.ndarray, np.dtype, argparse.Namespace, history, *functions,
            *{type(np.dtype(code)) for code in '?bhilqBHILQefdFDSU'}]


def let_mmengine_read() -> None:
    """Let MMEngine before 0.10.8 read its own checkpoints on torch >= 2.6, where ``torch.load``
    allows tensors and plain values only unless told otherwise: with it, resuming and testing fail
    (mmengine#1655). What is allowed is what :func:`load_checkpoint` allows, and MMEngine's history.
    """
    from mmengine.logging import HistoryBuffer
    add_safe_globals(_inert_globals(HistoryBuffer))


def _named(module: str, name: str, function: Callable) -> Callable:
    """``function`` under the name by which a pickle asks for it (a form all torch >= 2.4 take)."""

    def call(*args: Any) -> Any:
        return function(*args)

    call.__module__, call.__name__, call.__qualname__ = module, name, name
    return call
