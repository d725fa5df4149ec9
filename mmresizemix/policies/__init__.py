"""Augmentation policies that others searched for and published, as mmpretrain transforms."""
from .files import Operation, Policy, read_policy
from .operations import LEVELS, RelativeCutout
from .published import NOT_PUBLISHED, published_names
from .schedule import PolicyEpochHook, PolicySchedule
from .transform import SearchedPolicy

__all__ = [
    'LEVELS', 'NOT_PUBLISHED', 'Operation', 'Policy', 'PolicyEpochHook', 'PolicySchedule',
    'RelativeCutout', 'SearchedPolicy', 'published_names', 'read_policy'
]
