"""Classifier checkpoint -> stamped backbone file -> detector backbone, verified."""
from .checkpoint import CheckpointError, load_checkpoint

__all__ = ['CheckpointError', 'load_checkpoint']
