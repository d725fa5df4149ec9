"""Runs -> records -> statistics -> table and report. Reads files only; imports neither torch nor
OpenMMLab."""
from .logs import json_lines, read_metrics
from .run import RECORD, Fault, Run, read_backbone, read_runs

__all__ = ['RECORD', 'Fault', 'Run', 'json_lines', 'read_backbone', 'read_metrics', 'read_runs']
