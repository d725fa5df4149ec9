"""Runs -> records -> table. Reads files only; imports neither torch nor OpenMMLab."""
from .runs import RECORD, json_lines, read_backbone, read_metrics
from .table import table5

__all__ = ['RECORD', 'json_lines', 'read_backbone', 'read_metrics', 'table5']
