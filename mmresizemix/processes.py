"""No process outlives the one that started it.

A forked worker keeps what its parent had open: also the lock of a plan's stage, for which every
later command would wait, and the pipe that it reads its work from, so that it never learns that
nobody is left to write there.
"""
import ctypes
import multiprocessing
import os
import signal
import sys

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_forking: int | None = None  # the process that is about to fork


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, however that ends: a rank that
    outlived torchrun would train on beside the resumed run (Linux; nothing elsewhere)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def forks_die_with_parent() -> None:
    """Let every process that this one forks from now on, and those that they fork, die with its
    parent: the workers of pools and of loaders. What :mod:`subprocess` starts lives on."""
    if sys.platform == 'linux':
        os.register_at_fork(before=_note_parent, after_in_child=_die_with_the_one_that_forked)


def _note_parent() -> None:
    global _forking
    _forking = os.getpid()


def _die_with_the_one_that_forked() -> None:
    die_with_parent()
    if os.getppid() != _forking:  # it has ended before the kernel was told
        os._exit(1)


def kill_children() -> None:
    """Kill what multiprocessing has left: at its end Python would wait for one that hangs."""
    for child in multiprocessing.active_children():
        child.kill()
