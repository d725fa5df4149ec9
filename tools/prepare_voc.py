"""Check a folder in VOC layout before training, say what is missing, and download it if asked."""
from mmresizemix import datasets
from mmresizemix.console.command import run_command

EXAMPLES = """examples:
  %(prog)s                                   VOC07+12 in data/VOCdevkit
  %(prog)s --download                        the same; download what is missing (3 GB)
  %(prog)s DIR --classes cat,dog --splits VOC2007/train,VOC2007/test
                                             a set of your own in VOC layout
"""


def main() -> int:
    args = datasets.parse_arguments(
        __doc__, examples=EXAMPLES, published='VOC07+12', root='data/VOCdevkit',
        root_holds='VOC2007 and VOC2012',
        split_form='FOLDER/LIST, or LIST where ROOT itself holds ImageSets',
        parse_split=datasets.VocSplit.parse)
    splits = args.splits or [
        datasets.VocSplit(split.folder, split.name) if args.own else split
        for split in datasets.VOC0712]
    classes = args.classes or datasets.VOC_CLASSES
    return datasets.prepare(
        args.root,
        lambda progress: datasets.check_voc(args.root, splits, classes, not args.fast, progress,
                                            args.seen),
        () if args.own else datasets.VOC0712_ARCHIVES, args.download, args.most)


if __name__ == '__main__':
    run_command(main)
