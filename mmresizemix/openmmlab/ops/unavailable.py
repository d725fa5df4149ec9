"""A search, before the first step, for ops of mmcv that a model would call and that are missing."""
import inspect
from collections.abc import Iterator
from functools import cache
from types import BuiltinMethodType, CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

from torch import nn
from torch.autograd import Function

from .fallback import BUILD, unavailable_names


class UnavailableOps(NamedTuple):
    """A module of a model, and the ops that it would call in vain.

    Args:
        path: where the module is, e.g. ``model.neck.upsample_modules.0``.
        kind: the name of its class.
        ops: the names of the ops, sorted.
    """
    path: str
    kind: str
    ops: tuple[str, ...]


def unavailable_ops(model: nn.Module) -> list[UnavailableOps]:
    """Return the modules of ``model`` that call ops of mmcv which are neither compiled nor have a
    stand-in. The list is empty if mmcv has its compiled ops.

    A module calls an op if a method of its class names it, or names a function or an autograd
    function of ``mmcv.ops`` that does. What is called in another way (by a name in a config, e.g.
    the type of an NMS) is not found.
    """
    names = frozenset(unavailable_names())
    found = []
    for path, module in model.named_modules(prefix='model'):
        kind: Any = type(module)
        ops = _ops_of(kind, names)
        if ops:
            found.append(UnavailableOps(path, kind.__name__, ops))
    return found


def require_ops(model: nn.Module) -> None:
    """Raise an error if ``model`` would call an op of mmcv that is not available.

    Raises:
        NotImplementedError: it would. The first such module and its ops are named.
    """
    found = unavailable_ops(model)
    if found:
        path, kind, ops = found[0]
        raise NotImplementedError(
            f"{path} ({kind}) needs mmcv's compiled {'op' if len(ops) == 1 else 'ops'} "
            f"{', '.join(ops)}, not installed and without a stand-in; build mmcv with its ops "
            f'({BUILD}) or use another detector')


@cache
def _ops_of(kind: type, names: frozenset[str]) -> tuple[str, ...]:
    """Return those of ``names`` that the methods of ``kind`` lead to."""
    ops: set[str] = set()
    seen, left = set(), list(_methods(kind))
    while left:
        function = left.pop()
        if function not in seen:
            seen.add(function)
            named = _named(function.__code__)
            # Elsewhere the name of an op is that of something else.
            if _is_of_mmcv_ops(function):
                ops |= named & names
            for name in named:
                left += _functions(function.__globals__.get(name))
    return tuple(sorted(ops))


def _methods(kind: type) -> Iterator[FunctionType]:
    """Yield the methods that an instance of ``kind`` has, its own and inherited ones."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        if isinstance(member, FunctionType):
            yield from _undecorated(member)


def _functions(value: Any) -> Iterator[FunctionType]:
    """Yield ``value`` if it is a function of mmcv.ops, or its methods if it is an autograd function
    or the ``apply`` of one. A class of modules yields nothing: code that names it may only ask
    whether a module is one, and those that are used are in the model."""
    if isinstance(value, (BuiltinMethodType, MethodType)):  # Function.apply
        value = value.__self__
    if isinstance(value, FunctionType) and _is_of_mmcv_ops(value):
        yield from _undecorated(value)
    elif isinstance(value, type) and issubclass(value, Function) and _is_of_mmcv_ops(value):
        yield from _methods(value)


def _undecorated(function: FunctionType) -> Iterator[FunctionType]:
    inner: Any = inspect.unwrap(function)
    if isinstance(inner, FunctionType):
        yield inner


def _is_of_mmcv_ops(value: FunctionType | type) -> bool:
    return value.__module__.startswith('mmcv.ops.')


def _named(code: CodeType) -> set[str]:
    """Return the global names and the attributes in ``code``, including the functions within."""
    inner = [_named(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
