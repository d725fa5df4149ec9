"""Classifier checkpoint -> backbone file -> detector backbone, verified."""
from .checkpoint import CheckpointError, load_checkpoint
from .export import export_backbone
from .guard import BackboneError, BackboneGuard
from .stamp import Stamp

__all__ = [
    'BackboneError', 'BackboneGuard', 'CheckpointError', 'Stamp', 'export_backbone',
    'load_checkpoint'
]
