"""Carry out a plan (pretrainings x detectors x seeds, or classifiers x seeds), from checking the
data to the report.

Give the same command again after any interruption. It goes on where it was, and runs only what is
missing, or whose config, data or backbone has changed.
"""
import argparse
from pathlib import Path

import torch
from rich.console import Console

from mmresizemix.console.command import run_command
from mmresizemix.plan.budget import EPOCHS, Budget, list_pictures
from mmresizemix.plan.carry_out import carry_out, show_estimate, show_status, show_what_would_run

EXAMPLES = """examples:
  python tools/transfer.py configs/plans/table5.py --dry-run    what would run, and why
  python tools/transfer.py configs/plans/table5.py              run it, on all GPUs
  python tools/transfer.py my_plan.py --estimate                hours, GPU hours, disk, seeds
  python tools/transfer.py my_plan.py --only '*SSD*'            a part of it
  python tools/transfer.py my_plan.py --status                  from another shell
  python tools/transfer.py my_plan.py --executor slurm          queue it, and watch
  python tools/transfer.py configs/plans/table1.py --budget small --data my_pictures
                                 a table of the paper made small, on one folder per class

The exit code is 0 if all is done, and 130 if Ctrl-C or SIGTERM has stopped it. It is 1 if something
has failed. Stages that do not need it were still run.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('plan', help='a Python config; see configs/plans')
    parser.add_argument('--root', type=Path,
                        help='folder for all results (default: work_dirs/<name of the plan>)')
    parser.add_argument('--executor', choices=['local', 'slurm'], default='local',
                        help="this machine, or a Slurm cluster as the plan's slurm=... says")
    parser.add_argument('--gpus', type=int, default=torch.cuda.device_count(), metavar='N',
                        help='GPUs of this machine to use (default: all, here %(default)s)')
    parser.add_argument('--only', metavar='PATTERN',
                        help="run only stages whose names match, e.g. '*SSD*', and what they need")
    parser.add_argument('--dry-run', action='store_true', help='say what would run, and why')
    parser.add_argument('--estimate', action='store_true',
                        help='measure a few steps; say what the plan takes, and how many seeds')
    parser.add_argument('--status', action='store_true', help='say how far the plan is')
    small = parser.add_argument_group('a small budget', "for a plan without detectors: small "
                                      "networks, few epochs and your own pictures, not the paper's")
    small.add_argument('--budget', choices=['small'])
    small.add_argument('--data', type=Path, metavar='FOLDER',
                       help='FOLDER/{train,val}/<class>/*.jpg, or FOLDER/<class>/*.jpg')
    small.add_argument('--epochs', type=int, default=EPOCHS, help='(default: %(default)s)')
    small.add_argument('--seeds', type=int, nargs='+', help="(default: the plan's)")
    args = parser.parse_args()
    if (args.budget is None) != (args.data is None):
        parser.error('--budget small and --data FOLDER go together')
    # A plan on a small budget has a folder of its own, so that it is never mixed with the full one.
    name = Path(args.plan).stem + (f'-{args.budget}' if args.budget else '')
    root = args.root or Path('work_dirs') / name
    budget = args.budget and Budget(list_pictures(args.data, root.resolve() / 'pictures'),
                                    args.epochs, args.seeds, min(1, args.gpus))
    console = Console()
    if args.status:
        return show_status(args.plan, root, args.only, console, budget)
    if args.estimate:
        return show_estimate(args.plan, root, args.gpus, args.only, console, budget)
    if args.dry_run:
        return show_what_would_run(args.plan, root, args.only, console, budget)
    return carry_out(args.plan, root, args.executor, args.gpus, args.only, console, budget)


if __name__ == '__main__':
    run_command(main, 'The same command goes on where it was.')
