"""Find pictures that the pretraining has seen and the detector is tested on. This tool looks for
the same files and for near copies (of another size, JPEG quality or brightness), but not for crops
or flips."""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmresizemix.console.command import run_command
from mmresizemix.console.progress_bar import progress_bar
from mmresizemix.datasets import find_leaks, show_leaks
from mmresizemix.plan.data import pictures_of

EXAMPLES = """examples:
  python tools/find_leaks.py data/imagenet/train data/VOCdevkit/VOC2007/JPEGImages leaks.json
  python tools/find_leaks.py configs/study/resnet18.py configs/study/ssd256_r18.py leaks.json

The tool writes leaks.json. If there are leaks, it also writes leaks.png with the closest pairs. The
exit code is 0, whatever it finds.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('seen', help='a folder of pictures, or a config for its training pictures')
    parser.add_argument('tested', help='a folder of pictures, or a config for its test pictures')
    parser.add_argument('out', type=Path, help='the JSON file to write what was found to')
    for name in ('seen', 'tested'):
        parser.add_argument(f'--{name}-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                            help='override settings of that config')
    args = parser.parse_args()
    # For a config, this lists the pictures that its data sets would read.
    with progress_bar('listing files') as progress:
        seen = pictures_of(args.seen, 'train_dataloader', args.seen_options, progress)
        tested = pictures_of(args.tested, 'test_dataloader', args.tested_options, progress)
    with progress_bar('looking at pictures') as progress:
        leaks = find_leaks(seen, tested, progress)
    leaks.write(args.out)
    print(leaks)
    if leaks.pairs:
        print(f'The closest pairs are in {show_leaks(leaks, args.out.with_suffix(".png"))}')


if __name__ == '__main__':
    run_command(main)
