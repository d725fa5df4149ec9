"""Policies as JSON files, both the published ones and your own in the same format."""
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .operations import LEVELS


class Operation(NamedTuple):
    """One operation of a sub-policy."""
    name: str
    prob: float  # the probability of being applied, 0 to 1
    level: float  # from 0 to the highest of this kind of levels


@dataclass(frozen=True)
class Policy:
    """A policy, which has either ``sub_policies`` or a ``schedule``. The other is empty.

    One of ``sub_policies`` is chosen for each picture, and its operations are applied in order.
    ``schedule`` says for how many epochs operations are drawn from which list.
    """
    levels: str  # the kind of the levels, a key of LEVELS
    sub_policies: list[list[Operation]]
    schedule: list[tuple[int, list[Operation]]]


def read_policy(path: str | Path) -> Policy:
    """Read and check a policy.

    Raises:
        ValueError: the file is not a policy. The message is one line that names the file, the
            sub-policy (counted from 1), the value, and what is allowed.
    """
    content = _read_json(path)
    levels = content.get('levels')
    # A list, since a value from a file may be unhashable.
    if levels not in list(LEVELS):
        raise ValueError(f'{path}: "levels" must be one of {_listed(LEVELS)}, got {levels!r}')
    parts = [key for key in ('sub_policies', 'schedule') if key in content]
    if len(parts) != 1:
        raise ValueError(f'{path}: expected either "sub_policies" or "schedule", got '
                         f'{" and ".join(parts) or "neither"}')
    rows = content[parts[0]]
    if not isinstance(rows, list) or not rows:
        raise ValueError(f'{path}: "{parts[0]}" must be a list that is not empty, got {rows!r}')
    # Read the rows, with the place of each for messages.
    if parts == ['schedule']:
        return Policy(levels, [], [
            _phase(row, f'{path}: phase {n} of {len(rows)}', levels)
            for n, row in enumerate(rows, start=1)])
    return Policy(levels, [
        _operations(row, f'{path}: sub-policy {n} of {len(rows)}', levels)
        for n, row in enumerate(rows, start=1)], [])


def _read_json(path: str | Path) -> dict:
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise ValueError(f'{path}: the policy file cannot be read: {error.strerror}') from None
    except ValueError as error:  # not JSON, or not text
        raise ValueError(f'{path}: not JSON: {error}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{path}: expected an object {{...}}, got {type(content).__name__}')
    return content


def _phase(row: Any, where: str, levels: str) -> tuple[int, list[Operation]]:
    if not isinstance(row, dict) or set(row) != {'epochs', 'operations'}:
        raise ValueError(f'{where}: expected {{"epochs": ..., "operations": ...}}, got {row!r}')
    epochs = row['epochs']
    if type(epochs) is not int or epochs < 1:
        raise ValueError(f'{where}: "epochs" must be a whole number above 0, got {epochs!r}')
    return epochs, _operations(row['operations'], where, levels)


def _operations(row: Any, where: str, levels: str) -> list[Operation]:
    if not isinstance(row, list) or not row:
        raise ValueError(f'{where}: expected a list of operations, got {row!r}')
    return [_operation(entry, where, levels) for entry in row]


def _operation(entry: Any, where: str, levels: str) -> Operation:
    if not isinstance(entry, list) or len(entry) != 3:
        raise ValueError(f'{where}: an operation is [name, probability, level], got {entry!r}')
    operation, known = Operation(*entry), LEVELS[levels]
    if operation.name not in known.names:
        raise ValueError(f'{where}: unknown operation {operation.name!r}; expected one of '
                         f'{_listed(known.names)}')
    if not _within(operation.prob, 1):
        raise ValueError(f'{where}: the probability of {operation.name} must be in 0..1, got '
                         f'{operation.prob!r}')
    if not _within(operation.level, known.highest):
        raise ValueError(f'{where}: the level of {operation.name} must be in 0..{known.highest} '
                         f'("levels": "{levels}"), got {operation.level!r}')
    return operation


def _within(value: Any, highest: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= highest


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names))
