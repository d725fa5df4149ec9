"""Check a folder in COCO layout before training, say what is missing, download it when asked."""
import argparse
import sys
from pathlib import Path

from mmresizemix import datasets

EXAMPLES = f"""examples:
  %(prog)s                                   COCO 2017 in data/coco
  %(prog)s --download                        the same, downloading what is absent (19 GB)
  %(prog)s DIR --splits annotations/train.json:images,annotations/val.json:images \\
      --classes cat,dog                      a set of your own in COCO layout
{datasets.EXIT_CODES}"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=Path, default=Path('data/coco'),
                        help='folder that holds annotations, train2017 and val2017 '
                        '(default: %(default)s)')
    parser.add_argument('--classes', help='class names of your own set in the order of your '
                        'config, separated by commas')
    parser.add_argument('--splits', help='annotation files of your own set and the folders '
                        'of their pictures, as JSON:FOLDER, separated by commas')
    parser.add_argument('--fast', action='store_true', help='do not decode the pictures')
    parser.add_argument('--download', action='store_true', help='download what COCO 2017 lacks')
    parser.add_argument('--most', type=int, default=5,
                        help='faults of a kind to show (default: %(default)s)')
    args = parser.parse_args()
    if args.download and (args.classes or args.splits):
        parser.error('--download fetches COCO 2017: leave out --classes and --splits')
    try:
        args.splits = [datasets.CocoSplit.parse(text) for text in (args.splits or '').split(',')
                       if text]
    except ValueError as error:
        parser.error(str(error))
    return args


def main() -> int:
    args = parse_args()
    own = bool(args.classes or args.splits)
    splits = args.splits or [
        datasets.CocoSplit(split.annotations, split.pictures) if own else split
        for split in datasets.COCO2017]
    classes = args.classes.split(',') if args.classes else None
    return datasets.prepare(
        args.root,
        lambda progress: datasets.check_coco(args.root, splits, classes, not args.fast, progress),
        () if own else datasets.COCO2017_ARCHIVES, args.download, args.most)


if __name__ == '__main__':
    sys.exit(main())
