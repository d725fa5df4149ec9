"""The results of runs: records, statistics, the table and the report.

This package reads files only. It imports neither torch nor OpenMMLab.
"""
from .logs import json_lines, read_metrics
from .read_folders import RECORD, read_backbone, read_runs
from .run import Fault, Run

__all__ = ['RECORD', 'Fault', 'Run', 'json_lines', 'read_backbone', 'read_metrics', 'read_runs']
