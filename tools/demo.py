"""Show the whole idea on drawn scenes, in minutes, without data or a GPU. The demo pretrains
without mixing and with ResizeMix, carries the backbones into SSD and Faster R-CNN, and prints what
was found and a table.

Ctrl-C stops it. The same command goes on where it was.
"""
import argparse

from rich.console import Console

from mmresizemix.console.command import run_command
from mmresizemix.plan.demo import SCALES, SEED, run_demo

EXAMPLES = """examples:
  python tools/demo.py                   # minutes
  python tools/demo.py --scale smoke     # only shows that everything runs

The exit code is 0 if all is done, 1 if something has failed, and 130 if the demo was stopped by
Ctrl-C or SIGTERM.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--scale', choices=SCALES, default='full',
                        help='full takes minutes; smoke only shows that everything runs')
    parser.add_argument('--seed', type=int, default=SEED,
                        help='seed of the scenes (default: %(default)s)')
    args = parser.parse_args()
    return run_demo(args.scale, Console(), args.seed)


if __name__ == '__main__':
    run_command(main, 'The same command goes on where it was.')
