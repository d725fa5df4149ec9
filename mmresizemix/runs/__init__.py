"""The files that a run leaves on disk: its config, its logs, its detections, and the proof of its
backbone.

This room reads files only. It imports neither torch nor a package of OpenMMLab.
"""
from .logs import json_lines, read_metrics
from .read_run import RECORD, read_backbone
from .read_runs import read_runs
from .run import Fault, Run

__all__ = ['RECORD', 'Fault', 'Run', 'json_lines', 'read_backbone', 'read_metrics', 'read_runs']
