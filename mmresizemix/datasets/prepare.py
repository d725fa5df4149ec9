"""The command line options, check, advice and exit code of both prepare_voc and prepare_coco."""
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable
from pathlib import Path

from ..console.names import read_names
from ..console.progress_bar import Progress, progress_bar
from .data_report import DataReport
from .download import Archive, fetch
from .seen_pictures import SeenPictures

USABLE, BROKEN, MISUSED = 0, 1, 2
EXIT_CODES = ('exit code: 0 usable, 1 faults that break a run or its numbers, '
              '2 wrong usage or no folder')


def parse_arguments(description: str, *, examples: str, published: str, root: str, root_holds: str,
                    split_form: str, parse_split: Callable) -> Namespace:
    """Read the options of both commands from the command line.

    Args:
        published: the name of the data set that can be downloaded.
        root: the default folder of the data set.
        root_holds: a text that says what this folder holds.
        split_form: a text that says how a split of a user's own set is written.
        parse_split: reads such a split, or raises a ValueError.

    Returns:
        The options. ``splits`` and ``classes`` are lists, which are empty for the published set.
        ``own`` says whether it is another set, and ``seen`` are the pictures that an earlier check
        has decoded, or None with ``--fast``.
    """
    parser = ArgumentParser(description=description, epilog=f'{examples}\n{EXIT_CODES}',
                            formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=Path, default=Path(root),
                        help=f'folder that holds {root_holds} (default: %(default)s)')
    parser.add_argument('--classes', type=read_names, default=[],
                        help='class names of your own set in the order of your config, separated '
                        'by commas, or a file with one per line')
    parser.add_argument('--splits', help=f'splits of your own set, each as {split_form}, separated '
                        'by commas')
    parser.add_argument('--fast', action='store_true', help='do not decode the pictures')
    parser.add_argument('--anew', action='store_true', help='also decode the pictures that an '
                        'earlier check has decoded and that have not changed since')
    parser.add_argument('--download', action='store_true',
                        help=f'download the missing parts of {published}')
    parser.add_argument('--most', type=int, default=5,
                        help='how many faults of each kind to show (default: %(default)s)')
    args = parser.parse_args()
    # Classes or splits of the user's own mean another set than the published one.
    args.own = bool(args.classes or args.splits)
    if args.download and args.own:
        parser.error(f'--download fetches {published}: leave out --classes and --splits')
    args.seen = None if args.fast else SeenPictures(args.root, forget=args.anew)
    try:
        args.splits = [parse_split(text) for text in (args.splits or '').split(',') if text]
    except ValueError as error:
        parser.error(str(error))
    return args


def prepare(root: Path, check: Callable[[Progress], DataReport], archives: Iterable[Archive] = (),
            download: bool = False, most: int = 5) -> int:
    """Check the data set in ``root``, print what was found, and return the exit code.

    Args:
        check: checks the data set.
        archives: the archives of the published set. Empty for a user's own set.
        download: first download the archives that are missing.
        most: the number of faults of each kind to print.
    """
    # Download what is missing.
    archives = tuple(archives)
    if download and not _download(root, [one for one in archives if one.is_missing(root)]):
        return BROKEN
    if not root.is_dir():
        print(f'{root} is not a folder', file=sys.stderr)
        _advise(root, archives)
        return MISUSED
    # Check the data set, and say which archives would supply the missing files.
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
        print('\n'.join(['to download by hand, or with --download:', *lines]))
