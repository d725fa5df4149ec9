"""Runs -> records -> table. Reads files only; imports neither torch nor OpenMMLab."""
from .runs import read_backbone, read_metrics
from .table import table5, write_text

__all__ = ['read_backbone', 'read_metrics', 'table5', 'write_text']
