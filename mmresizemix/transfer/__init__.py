"""The way from a classifier's checkpoint over a backbone file to a detector, verified."""
from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from .backbone_file import BackboneError
from .export import export_backbone
from .guard import BackboneGuard
from .stamp import Stamp

__all__ = [
    'BackboneError', 'BackboneGuard', 'CheckpointError', 'Stamp', 'export_backbone',
    'load_checkpoint'
]
