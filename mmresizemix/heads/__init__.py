"""Heads of classifiers whose loss needs to know how their batch was mixed."""
from .recursivemix_head import RecursiveMixHead

__all__ = ['RecursiveMixHead']
