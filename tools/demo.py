"""Show the whole idea on drawn scenes, in minutes, without data or GPU: pretrain without mixing and
with ResizeMix, carry the backbones into SSD and Faster R-CNN, and print what was found and a table.

Ctrl-C stops it; the same command goes on where it was.
"""
import argparse

from rich.console import Console

from mmresizemix.console.command import run_command
from mmresizemix.plan.demo import SCALES, SEED, run_demo

EXAMPLES = """examples:
  python tools/demo.py                   # minutes
  python tools/demo.py --scale smoke     # only that everything runs

Exit code 0: all is done. 1: something has failed. 130: stopped by Ctrl-C or SIGTERM.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--scale', choices=SCALES, default='full',
                        help='full takes minutes; smoke only shows that everything runs')
    parser.add_argument('--seed', type=int, default=SEED,
                        help='of the scenes (default: %(default)s)')
    args = parser.parse_args()
    return run_demo(args.scale, Console(), args.seed)


if __name__ == '__main__':
    run_command(main, 'The same command goes on where it was.')
