"""Augmentation policies that others searched for and published, as mmpretrain transforms.

Names are imported on first use (PEP 562). The registry of hooks imports ``policies.epoch`` in
detection runs too, and these need neither the policies nor mmpretrain.
"""
from importlib import import_module
from typing import Any

_MODULE_OF = dict(
    LEVELS='operations',
    NOT_PUBLISHED='published',
    Operation='policy_files',
    Policy='policy_files',
    PolicyEpochHook='epoch',
    PolicySchedule='schedule',
    RelativeCutout='operations',
    SearchedPolicy='searched_policy',
    published_names='published',
    read_policy='policy_files',
)
__all__ = [*_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULE_OF[name]}'), name)
