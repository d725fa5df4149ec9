"""Read a checkpoint without running any code that it may contain.

MMEngine first tries ``weights_only=True``. If a file asks for more, MMEngine unpickles all of it,
and a malicious file can then run code (mmengine/runner/checkpoint.py, ``_safe_torch_load``). Here
there is no second try. The objects that real MMEngine checkpoints need beyond tensors are listed
below, and they run nothing.
"""
import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

ZIP = b'PK\x03\x04'
AGAIN = 'Copy or download it again, or use an earlier checkpoint.'


class CheckpointError(ValueError):
    """The error for a checkpoint that cannot be read or is not what it should be.

    The message names the path, the cause and the remedy.
    """


CURVES = ('_annealing_cos', '_annealing_linear')
MOST_PARTS = 50_000  # tensors in a file. Large networks and their optimizers have some thousands.


def load_checkpoint(path: str | Path, history: type | None = None,
                    map_location: Any = 'cpu') -> dict:
    """Read a file of PyTorch, MMEngine or safetensors.

    The first bytes of the file decide how it is read, not its name. The checksums in a file of
    ``torch.save`` are compared, which ``torch.load`` does not do.

    Args:
        history: the class to build for the ``HistoryBuffer`` of MMEngine. None skips the logged
            history.
        map_location: where its tensors go, as for ``torch.load``. A file of safetensors stays on
            the CPU.

    Raises:
        CheckpointError: the file is missing, cut off or damaged, is no checkpoint, is much larger
            in memory than on the disk, or asks for more than tensors and plain values. Nothing in
            it has run.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f'{path}: no such file. Check the path.')
    with open(path, 'rb') as file:
        start = file.read(9)
    if not start:
        raise CheckpointError(f'{path}: is empty. {AGAIN}')
    # safetensors begin with the length of a JSON object, and then the object.
    safetensors = start[8:] == b'{' and start[:4] != ZIP
    checkpoint = (_read_safetensors(path) if safetensors else
                  _read_torch(path, history or _History, map_location))
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{path}: holds a {type(checkpoint).__name__}, not a dict of '
                              'tensors. Save model.state_dict().')
    return checkpoint


def _read_torch(path: Path, history: type, map_location: Any) -> object:
    _check_whole(path)
    try:
        with _only(inert_globals(history)), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # about odd protocols; the error says what is wrong
            return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file can make the parser raise anything
        raise CheckpointError(f'{path}: {_cause(error)}') from None


def _check_whole(path: Path) -> None:
    """Refuse a file that was cut off in writing, changed in copying, or made to fill the memory.

    ``torch.load`` may read such a file without an error.
    """
    with open(path, 'rb') as file:
        # torch.save writes zip files since torch 1.6. Older files have no checksums.
        if file.read(4) != ZIP:
            _check_number(path, _tensors_in(iter(lambda: file.read(2**24), b'')))
            return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            # torch.save does not compress. A file that is compressed may unfold without end.
            folded = [part for part in parts if part.compress_type != zipfile.ZIP_STORED]
            fault = ('is TorchScript, which holds code'
                     if any(part.filename.endswith('/constants.pkl') for part in parts) else
                     f'has {len(parts)} parts; no network has so many tensors'
                     if len(parts) > MOST_PARTS else
                     f'has compressed parts ({folded[0].filename}), which torch.save does not write'
                     if folded else
                     'holds more bytes than the file has'
                     if sum(part.file_size for part in parts) > path.stat().st_size else None)
            if fault:
                raise CheckpointError(f'{path}: {fault}. Save model.state_dict() with torch.save.')
            _check_number(path, sum(_tensors_in([archive.read(part)]) for part in parts
                                    if part.filename.endswith('/data.pkl')))
            member = archive.testzip()
        damaged = member and f'is damaged (wrong checksum of {member})'
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError):
        damaged = 'is cut off'
    if damaged:
        raise CheckpointError(f'{path}: {damaged}. {AGAIN}')


def _tensors_in(pieces: Iterable[bytes]) -> int:
    """Count the tensors in a pickle, or a few more: for each, a tuple ends, which may be noted for
    later use (``q``, ``r``), and refers to a storage (``Q``)."""
    return sum(len(re.findall(rb't(?:q.|r.{4})?Q', piece, re.DOTALL)) for piece in pieces)


def _check_number(path: Path, tensors: int) -> None:
    if tensors > MOST_PARTS:
        raise CheckpointError(f'{path}: has {tensors} tensors; no network has so many. Save '
                              'model.state_dict() with torch.save.')


def _cause(error: Exception) -> str:
    # torch names the object that it refused in the text of its error only.
    wanted = re.search(r'GLOBAL (\S+)', str(error))
    if isinstance(error, pickle.UnpicklingError) and wanted:
        return (f'asks for {wanted[1]}; a checkpoint holds tensors and plain values, and anything '
                'else could run code. Nothing of it was run. If you trust its source, load it '
                'yourself and save only model.state_dict().')
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
        raise CheckpointError(f'{path}: is not a complete safetensors file ({error}). Download it '
                              'again.') from None


@contextmanager
def _only(allowed: list) -> Iterator[None]:
    # This does what torch.serialization.safe_globals does, which came with torch 2.5. What other
    # code has allowed is put aside meanwhile, so that a checkpoint cannot use it.
    before = get_safe_globals()
    clear_safe_globals()
    add_safe_globals(allowed)
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


# This class replaces MMEngine's HistoryBuffer, whose own unpickling writes into its class.
_History = type('HistoryBuffer', (), dict(
    __module__='mmengine.logging.history_buffer', __setstate__=lambda self, state: None))
# This class replaces MMEngine's schedule of this name, of which only the curves are taken.
_OneCycle = type('OneCycleParamScheduler', (), dict(
    __module__='mmengine.optim.scheduler.param_scheduler'))


def inert_globals(history: type = _History) -> list[Callable | tuple[Callable, str]]:
    """Return the objects beyond tensors that checkpoints need.

    Args:
        history: the class to build for MMEngine's ``HistoryBuffer``.
    """

    def attribute(owner: object, name: str) -> object:
        """Replace ``getattr``, by which a pickled history refers to its own statistics, and a
        one-cycle schedule to its curve."""
        if owner is _OneCycle and name in CURVES:
            from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
            return getattr(OneCycleParamScheduler, name)
        if owner is not history or name.startswith('_'):
            raise pickle.UnpicklingError(f'Unsupported global: GLOBAL getattr of {name}')
        return getattr(history, name, None)

    # numpy 2 moved numpy.core to numpy._core, and a file names the one that it was written with.
    core = getattr(np, '_core' if hasattr(np, '_core') else 'core').multiarray
    functions = [
        _named(f'numpy.{name}.multiarray', function, wrapped)
        for name in ('core', '_core')
        for function, wrapped in (('scalar', core.scalar), ('_reconstruct', core._reconstruct))
    ]
    functions += [_named(m, 'getattr', attribute) for m in ('builtins', '__builtin__')]
    # timm and torchvision keep the options of the training in an argparse.Namespace.
    return [np.ndarray, np.dtype, argparse.Namespace, history, _OneCycle, *functions,
            *{type(np.dtype(code)) for code in '?bhilqBHILQefdFDSU'}]


def _named(module: str, name: str, function: Callable) -> Callable:
    """Wrap ``function`` under the name by which a pickle asks for it.

    Every torch >= 2.4 accepts this form.
    """

    def call(*args: Any) -> Any:
        return function(*args)

    call.__module__, call.__name__, call.__qualname__ = module, name, name
    return call
