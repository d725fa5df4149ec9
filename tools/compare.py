"""Compare finished MMDetection runs, to see which pretraining makes the better detector. The tool
evaluates their detections again, and writes one table and one report. If there are only runs of
MMPretrain, it compares those by top-1. It needs neither torch nor OpenMMLab."""
import argparse
import sys
from pathlib import Path

from mmresizemix.console.command import run_command
from mmresizemix.console.text import printable
from mmresizemix.report.formats import FORMATS, to_markdown
from mmresizemix.report.make import REPORT, make_comparison

HTML = 'html'
EXAMPLES = """examples:
  python tools/compare.py work_dirs                            every run under it, at any depth
  python tools/compare.py work_dirs/ssd_* --baseline CutMix    against another baseline
  python tools/compare.py work_dirs --format md --out table    the table alone
  python tools/compare.py runs --annotations instances_val2017.json   runs copied from elsewhere

The exit code is 0 if all runs that were found are in the table or are listed as unfinished. It is
2 if something was broken or could not be compared. The tool then says what, and still writes what
it could read.
"""
BROKEN = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', nargs='+', metavar='RUN_OR_FOLDER')
    parser.add_argument('--baseline', metavar='NAME',
                        help="the row that others are compared with (default: 'baseline')")
    parser.add_argument('--epoch', choices=['last', 'best'], default='last',
                        help='which evaluation of a run counts (best is optimistic)')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/comparison'),
                        help='folder to write into (default: %(default)s)')
    parser.add_argument('--format', nargs='+', choices=[*FORMATS, HTML], default=[*FORMATS, HTML],
                        help='what to write (default: all)')
    parser.add_argument('--annotations', type=Path, metavar='JSON',
                        help='COCO annotations for runs whose own are not on this machine')
    parser.add_argument('--pictures', type=Path, metavar='FOLDER',
                        help='folder of mixed-by-*.png for the report (default: those of the runs)')
    parser.add_argument('--allow-different', action='store_true',
                        help='compare runs whose configs differ in more than backbone and seed')
    parser.add_argument('--resamples', type=int, default=1000, metavar='N',
                        help='resamples of the validation images (default: %(default)s; 0: none)')
    parser.add_argument('--remark', metavar='TEXT', help='text to show above the tables')
    parser.add_argument('--quiet', action='store_true', help='show neither progress nor the table')
    args = parser.parse_args()
    # The table and the report are written even if some folders could not be read.
    comparison = make_comparison(
        args.runs, args.out, formats=args.format, baseline=args.baseline, epoch=args.epoch,
        annotations=args.annotations, resamples=args.resamples,
        allow_different=args.allow_different, quiet=args.quiet,
        pictures=args.pictures, remark=args.remark)
    if comparison.rows and not args.quiet:
        print(to_markdown(comparison))
        written = [*(FORMATS[f][0] for f in args.format if f in FORMATS),
                   *([REPORT] if HTML in args.format else [])]
        print(f'Wrote {", ".join(str(args.out / name) for name in written)}')
    # Unfinished runs are listed in the table only, and do not change the exit code.
    broken = [fault for fault in comparison.faults if fault.bad]
    for fault in broken:
        print(printable(f'{fault.folder}: {fault.reason}'), file=sys.stderr)
    if not comparison.rows:
        print('no run was read, so nothing was written', file=sys.stderr)
    return BROKEN if broken else 0


if __name__ == '__main__':
    run_command(main)
