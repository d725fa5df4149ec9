"""What the commands prepare_voc and prepare_coco share: check, advise, download, exit code."""
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from .download import Archive, fetch
from ..progress import Progress, progress_bar
from .report import Report

USABLE, BROKEN, MISUSED = 0, 1, 2
EXIT_CODES = ('exit code: 0 usable, 1 faults that break a run or its numbers, '
              '2 wrong usage or no folder')


def prepare(root: Path, check: Callable[[Progress], Report], archives: Iterable[Archive] = (),
            download: bool = False, most: int = 5) -> int:
    """Check ``root`` after downloading what is absent, print what was found, return the exit code.

    ``archives`` are those that make up the published set; empty for a user's own.
    """
    archives = tuple(archives)
    if download and not _download(root, [one for one in archives if one.is_missing(root)]):
        return BROKEN
    if not root.is_dir():
        print(f'{root} is not a folder', file=sys.stderr)
        _advise(root, archives)
        return MISUSED
    with progress_bar('reading pictures') as progress:
        report = check(progress)
    print(report.text(most))
    missing = [fault.path for fault in report.faults if fault.kind.name.startswith('missing')]
    _advise(root, [one for one in archives if one.is_missing(root, missing)])
    return USABLE if report.usable else BROKEN


def _download(root: Path, archives: list[Archive]) -> bool:
    for archive in archives:
        print(f'downloading {archive.url} ({archive.size}) into {root}', flush=True)
        try:
            fetch(archive, root)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return False
    return True


def _advise(root: Path, archives: Iterable[Archive]) -> None:
    lines = [f'  {archive.advice(root)}' for archive in archives]
    if lines:
        print('\n'.join(['to download, or with --download:', *lines]))
