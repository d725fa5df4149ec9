"""The batch augments in a registry of their own, a child of MMPretrain's, so that configs find
``dict(type='mmresizemix.ResizeMix')``."""
from importlib import import_module

from mmengine.registry import Registry
from mmpretrain.registry import BATCH_AUGMENTS as MMPRETRAIN_BATCH_AUGMENTS

from ..contents import parts_in
from ..registry import SCOPE

BATCH_AUGMENTS = Registry('batch augment', parent=MMPRETRAIN_BATCH_AUGMENTS, scope=SCOPE)
for _part in parts_in('BATCH_AUGMENTS'):
    _module = import_module(f'{SCOPE}.{_part.module}')
    BATCH_AUGMENTS.register_module(module=getattr(_module, _part.name))
