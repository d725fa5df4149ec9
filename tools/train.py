"""Train a classifier (mmpretrain) or a detector (mmdet) from a config."""
import argparse

from mmresizemix.console.command import run_command
from mmresizemix.training.arguments import add_run_arguments, load_config
from mmresizemix.training.launch import train
from mmresizemix.training.trackers import TRACKERS

EXAMPLES = """examples:
  python tools/train.py configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py
  bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py 8 --fast
  python tools/train.py configs/ssd/ssd300_r50_8xb8-24e_voc0712.py --backbone resizemix.pth --seed 1
  python tools/train.py configs/ssd/ssd300_r50_8xb8-24e_voc0712.py --backbone random
  python tools/train.py CONFIG --work-dir DIR --resume      # go on from the newest checkpoint
  python tools/train.py CONFIG --log-to tensorboard         # tensorboard --logdir work_dirs
  bash tools/dist_train.sh CONFIG 8 --amp                   # eight GPUs

Exit code 0: trained to the end. 1: an error, said in one line. 74: the disk is full. 130, 143:
stopped by Ctrl-C, by SIGTERM (128 + the signal's number); --resume goes on where it was.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    parser.add_argument('--backbone', metavar='FILE',
                        help="what the detector's backbone starts from: a file of "
                        "tools/export_backbone.py, torchvision://resnet50, or 'random'")
    parser.add_argument('--fast', action='store_true',
                        help='pretraining in bfloat16, compiled, never waiting for the GPU')
    parser.add_argument('--seed', type=int, help="of everything random (default: the config's)")
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from a checkpoint; alone: from the newest of the work dir')
    parser.add_argument('--log-to', nargs='+', choices=TRACKERS, default=[], metavar='TRACKER',
                        help=f'also to {", ".join(TRACKERS)}')
    args = parser.parse_args()
    train(load_config(args), backbone=args.backbone, seed=args.seed, resume=args.resume,
          amp=args.amp, fast=args.fast, trackers=args.log_to)


if __name__ == '__main__':
    run_command(main, 'The same command with --resume goes on where it was.')
