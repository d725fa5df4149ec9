"""Check a folder in COCO layout before training, say what is missing, and download it if asked."""
from mmresizemix import datasets
from mmresizemix.console.command import run_command

EXAMPLES = """examples:
  %(prog)s                                   COCO 2017 in data/coco
  %(prog)s --download                        the same; download what is missing (19 GB)
  %(prog)s DIR --splits annotations/train.json:images,annotations/val.json:images \\
      --classes cat,dog                      a set of your own in COCO layout
"""


def main() -> int:
    args = datasets.parse_arguments(
        __doc__, examples=EXAMPLES, published='COCO 2017', root='data/coco',
        root_holds='annotations, train2017 and val2017',
        split_form='JSON:FOLDER, the annotations and the folder of their pictures',
        parse_split=datasets.CocoSplit.parse)
    splits = args.splits or [
        datasets.CocoSplit(split.annotations, split.pictures) if args.own else split
        for split in datasets.COCO2017]
    return datasets.prepare(
        args.root,
        lambda progress: datasets.check_coco(args.root, splits, args.classes or None,
                                             not args.fast, progress, args.seen),
        () if args.own else datasets.COCO2017_ARCHIVES, args.download, args.most)


if __name__ == '__main__':
    run_command(main)
