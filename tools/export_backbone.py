"""Take the backbone out of a classifier's checkpoint, check it, and stamp it for the detectors."""
import argparse

from mmresizemix.console.command import run_command
from mmresizemix.transfer import export_backbone

EXAMPLES = """examples:
  python tools/export_backbone.py work_dirs/resizemix/epoch_300.pth backbones/resizemix.pth
  python tools/export_backbone.py resnet50-0676ba61.pth backbones/torchvision.pth --method baseline
  python tools/export_backbone.py epoch_300.pth raw.pth --raw     # without the moving average
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='a checkpoint of mmpretrain, torchvision or timm')
    parser.add_argument('out', help='the backbone file to write')
    parser.add_argument('--method', help="the pretraining's name, for example resizemix "
                        '(default: what an mmpretrain checkpoint says)')
    parser.add_argument('--raw', action='store_true',
                        help='take the raw weights where there is also a moving average')
    parser.add_argument('--top1', type=float, metavar='PERCENT',
                        help="the classifier's accuracy (default: what the run's log says)")
    args = parser.parse_args()
    stamp = export_backbone(args.checkpoint, args.out, method=args.method, raw=args.raw,
                            top1=args.top1)
    print(f'Wrote {args.out}')
    for name, value in stamp.to_dict().items():
        if value is not None:
            print(f'  {name}: {value}')


if __name__ == '__main__':
    run_command(main)
