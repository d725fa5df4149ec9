"""The end of every command of tools/: with its result, or with one line that says why not."""
import errno
import io
import os
import signal
import sys
from collections.abc import Callable

from .processes import forks_die_with_parent, kill_children
from .text import printable

STOPPED = 130  # what a shell reports after Ctrl-C
# The system's errors about a path that the user gave.
OF_PATHS = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP,
            errno.ENAMETOOLONG)
OF_FILES = (*OF_PATHS, errno.ENOSPC)
DISK_FULL = 74  # EX_IOERR of sysexits.h


def run_command(main: Callable[[], int | None], when_stopped: str = '') -> None:
    """Call ``main`` and exit with what it returns. Errors become one line on stderr and exit code 1
    (74 if the disk is full).

    Errors of the program itself keep their traceback. Set ``MMRESIZEMIX_TRACEBACK=1`` to see it for
    the others too.

    Args:
        when_stopped: what to print after Ctrl-C, for example how to continue.
    """
    # A locale may lack τ or −. Print ? then instead of ending with an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='replace')
    forks_die_with_parent()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(f'\nStopped. {when_stopped}'.rstrip(), file=sys.stderr)
        sys.exit(STOPPED)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        if os.environ.get('MMRESIZEMIX_TRACEBACK') or not _is_ours(error):
            raise
        # The reader, such as `| head`, has read enough. Python flushes stdout at its end, which
        # would fail again without the redirection.
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        # A message may quote a name from a file that somebody else wrote.
        print(f'error: {printable(_said(error))}', file=sys.stderr)
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        sys.exit(DISK_FULL if full else 1)
    finally:
        kill_children()


def _said(error: Exception) -> str:
    """Return the message of an error. If it is about a path, add what to do, and for a
    relative path the folder that it was looked for in."""
    if not (isinstance(error, OSError) and error.errno in OF_PATHS
            and isinstance(error.filename, (str, os.PathLike))):
        return str(error)
    place = '' if os.path.isabs(error.filename) else f', relative to {os.getcwd()}'
    return (f'{error.filename}: {error.strerror}{place}. Check the path, or the setting of the '
            'config that names it')


def _is_ours(error: BaseException) -> bool:
    """Whether this package raised the error on purpose, or a file caused it. Its message then says
    all that is needed."""
    traceback = error.__traceback__
    raised_in = ''
    while traceback:
        raised_in = traceback.tb_frame.f_globals.get('__name__', '').split('.')[0]
        traceback = traceback.tb_next
    # MMEngine's registry raises a new error from one that a constructor raised, so that the context
    # counts too.
    of_files = isinstance(error, OSError) and error.errno in OF_FILES
    return raised_in in ('mmresizemix', '__main__') or of_files or (
        error.__context__ is not None and _is_ours(error.__context__))
