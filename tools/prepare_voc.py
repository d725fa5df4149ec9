"""Check a folder in VOC layout before training, say what is missing, download it when asked."""
import argparse
import sys
from pathlib import Path

from mmresizemix import datasets

EXAMPLES = f"""examples:
  %(prog)s                                   VOC07+12 in data/VOCdevkit
  %(prog)s --download                        the same, downloading what is absent (3 GB)
  %(prog)s DIR --classes cat,dog --splits VOC2007/train,VOC2007/test
                                             a set of your own in VOC layout
{datasets.EXIT_CODES}"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=Path, default=Path('data/VOCdevkit'),
                        help='folder that holds VOC2007 and VOC2012 (default: %(default)s)')
    parser.add_argument('--classes', help='class names of your own set, separated by commas')
    parser.add_argument('--splits', help='lists of your own set, as FOLDER/LIST, or LIST where '
                        'ROOT itself holds ImageSets, separated by commas')
    parser.add_argument('--fast', action='store_true', help='do not decode the pictures')
    parser.add_argument('--download', action='store_true', help='download what VOC07+12 lacks')
    parser.add_argument('--most', type=int, default=5,
                        help='faults of a kind to show (default: %(default)s)')
    args = parser.parse_args()
    if args.download and (args.classes or args.splits):
        parser.error('--download fetches VOC07+12: leave out --classes and --splits')
    try:
        args.splits = [datasets.VocSplit.parse(text) for text in (args.splits or '').split(',')
                       if text]
    except ValueError as error:
        parser.error(str(error))
    return args


def main() -> int:
    args = parse_args()
    own = bool(args.classes or args.splits)
    splits = args.splits or [datasets.VocSplit(split.folder, split.name) if own else split
                             for split in datasets.VOC0712]
    classes = args.classes.split(',') if args.classes else datasets.VOC_CLASSES
    return datasets.prepare(
        args.root,
        lambda progress: datasets.check_voc(args.root, splits, classes, not args.fast, progress),
        () if own else datasets.VOC0712_ARCHIVES, args.download, args.most)


if __name__ == '__main__':
    sys.exit(main())
