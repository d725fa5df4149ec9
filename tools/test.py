"""Evaluate a checkpoint of a classifier (mmpretrain) or a detector (mmdet)."""
import argparse

from mmresizemix.console.command import run_command
from mmresizemix.training.arguments import add_run_arguments, load_config
from mmresizemix.training.launch import test

EXAMPLES = """examples:
  python tools/test.py configs/ssd/ssd300_r50_8xb8-24e_coco.py work_dirs/ssd/epoch_24.pth
  python tools/test.py CONFIG CHECKPOINT --data-root data/my_set --classes 'traffic light,car'
  python tools/test.py CONFIG CHECKPOINT --cfg-options test_evaluator.outfile_prefix=detections
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    parser.add_argument('checkpoint', help='a checkpoint of a run, such as epoch_24.pth')
    args = parser.parse_args()
    metrics = test(load_config(args), args.checkpoint, amp=args.amp)
    for name, value in metrics.items():
        print(f'{name}: {value}')


if __name__ == '__main__':
    run_command(main)
