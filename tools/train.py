"""Train a classifier (mmpretrain) or a detector (mmdet) from a config."""
import argparse

from mmresizemix.console.command import run_command
from mmresizemix.training.arguments import (
    add_learning_rate_arguments,
    add_protocol_arguments,
    add_run_arguments,
    load_config,
)
from mmresizemix.training.launch import train
from mmresizemix.training.trackers import TRACKERS

EXAMPLES = """examples:
  python tools/train.py configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py
  bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py 8 --fast
  python tools/train.py configs/ssd/ssd300_r50_8xb8-24e_voc0712.py --backbone resizemix.pth --seed 1
  python tools/train.py configs/ssd/ssd300_r50_8xb8-24e_voc0712.py --backbone random
  python tools/train.py mmdet::retinanet/retinanet_r50_fpn_1x_coco.py --backbone resizemix.pth
  python tools/train.py CONFIG --backbone FILE --data-root data/my_set --classes 'traffic light,car'
  python tools/train.py CONFIG --backbone FILE --frozen     # only the rest of the detector learns
  python tools/train.py CONFIG --backbone FILE --label-fraction 0.1
  python tools/train.py CONFIG --backbone FILE --learning-rates 0.01 0.02 0.04
  python tools/train.py CONFIG --work-dir DIR --resume      # go on from the newest checkpoint
  python tools/train.py CONFIG --log-to tensorboard         # tensorboard --logdir work_dirs
  bash tools/dist_train.sh CONFIG 8 --amp                   # eight GPUs

The exit code is 0 if the training has run to its end, 1 after an error, which is said in one line,
and 74 if the disk is full. It is 130 after Ctrl-C and 143 after SIGTERM (128 + the signal's
number). --resume then goes on where it was.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    parser.add_argument('--backbone', metavar='FILE',
                        help="what the detector's backbone starts from: a file that "
                        "tools/export_backbone.py wrote, torchvision://resnet50, or 'random'. "
                        "Any config of mmdet gets the guard, seeds, unrounded AP and kept "
                        "detections; what that changes is logged")
    add_protocol_arguments(parser)
    add_learning_rate_arguments(parser)
    parser.add_argument('--fast', action='store_true',
                        help='pretrain in bfloat16, compiled, and never wait for the GPU')
    parser.add_argument('--seed', type=int, help="seed of all randomness (default: the config's)")
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from CHECKPOINT, or else from the newest in the work dir')
    parser.add_argument('--log-to', nargs='+', choices=TRACKERS, default=[], metavar='TRACKER',
                        help=f'log to {", ".join(TRACKERS)} too')
    args = parser.parse_args()
    train(load_config(args), backbone=args.backbone, seed=args.seed, resume=args.resume,
          amp=args.amp, fast=args.fast, frozen=args.frozen, label_fraction=args.label_fraction,
          learning_rates=args.learning_rates, held_out=args.held_out,
          learning_rate_of=args.learning_rate_of, trackers=args.log_to)


if __name__ == '__main__':
    run_command(main, 'The same command with --resume goes on where it was.')
