"""Time a few steps of a config, and measure the size of its checkpoint."""
import argparse
from pathlib import Path

from mmresizemix.console.command import run_command
from mmresizemix.plan.measure import measure
from mmresizemix.plan.progress import duration
from mmresizemix.training.arguments import (
    add_protocol_arguments,
    add_run_arguments,
    load_config,
)

EXAMPLES = """examples:
  python tools/measure.py configs/ssd/ssd300_r50_8xb8-24e_coco.py work_dirs/ssd.json --steps 50
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    add_protocol_arguments(parser)
    parser.add_argument('out', type=Path, help='the JSON file to write what was measured to')
    parser.add_argument('--steps', type=int, default=20, help='steps timed (default: %(default)s)')
    args = parser.parse_args()
    cost = measure(load_config(args), args.steps, args.frozen, args.label_fraction)
    cost.write(args.out)
    print(f'{cost.step:.3f} s per step, {duration(cost.seconds())} per run')


if __name__ == '__main__':
    run_command(main)
