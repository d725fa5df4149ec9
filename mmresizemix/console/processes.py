"""Functions that keep a process from outliving the one that started it.

A forked worker keeps open what its parent had open. This includes the lock of a plan's stage, for
which every later command would wait. It also includes the pipe that the worker reads its work from,
so that it never notices that no process is left to write there.
"""
import ctypes
import multiprocessing
import os
import signal
import sys

_SET_DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG
_forking: int | None = None  # the process that is about to fork


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, for whatever reason. A rank that
    outlived torchrun would continue to train beside the resumed run. This works on Linux and does
    nothing elsewhere."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def forks_die_with_parent() -> None:
    """Let every process that this one forks from now on, and those that they fork, die with its
    parent. These are the workers of pools and of loaders. Processes that :mod:`subprocess` starts
    are not affected. This works on Linux and does nothing elsewhere."""
    if sys.platform == 'linux':
        os.register_at_fork(before=_note_parent, after_in_child=_die_with_the_one_that_forked)


def _note_parent() -> None:
    global _forking
    _forking = os.getpid()


def _die_with_the_one_that_forked() -> None:
    die_with_parent()
    # The parent may have ended before the kernel was told to watch it.
    if os.getppid() != _forking:
        os._exit(1)


def kill_children() -> None:
    """Kill the children that multiprocessing has left. Python waits for them at its end, and one
    that hangs would keep it from ending."""
    for child in multiprocessing.active_children():
        child.kill()
