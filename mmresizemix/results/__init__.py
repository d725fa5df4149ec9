"""Comparing runs: which ones may be compared, the differences of their metrics, and the statistics.

This room imports neither torch nor OpenMMLab.
"""
