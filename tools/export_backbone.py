"""Take the backbone out of a checkpoint, check it, and stamp it for the detectors."""
import argparse

from mmresizemix.console.command import run_command
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.transfer import export_backbone
from mmresizemix.transfer.stamp import RECIPES

EXAMPLES = """examples:
  python tools/export_backbone.py work_dirs/resizemix/epoch_300.pth backbones/resizemix.pth
  python tools/export_backbone.py resnet50-0676ba61.pth backbones/torchvision.pth
  python tools/export_backbone.py my_resnet50.pth mine.pth --method mine --recipe torchvision
  python tools/export_backbone.py moco_v2.pth moco.pth --prefix module.encoder_q. --method moco
  python tools/export_backbone.py swin.pth mine.pth --config my_swin.py --add-prefix
  python tools/export_backbone.py epoch_300.pth raw.pth --raw     # without the moving average
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='a checkpoint of MMPretrain, MMDetection or another '
                        'framework, or a file exported before')
    parser.add_argument('out', help='the backbone file to write')
    parser.add_argument('--method', help="the pretraining's name, for example resizemix "
                        '(default: what the config in the checkpoint says)')
    parser.add_argument('--raw', action='store_true',
                        help='take the raw weights where there is also a moving average')
    parser.add_argument('--top1', type=float, metavar='PERCENT',
                        help="the classifier's accuracy (default: what the run's log says)")
    parser.add_argument('--prefix', help="what is in front of the backbone's names "
                        '(default: it is found)')
    parser.add_argument('--recipe', choices=RECIPES, help='how the pictures were prepared, and '
                        'where a ResNet has its strides, if the checkpoint does not say it')
    parser.add_argument('--config', help='a config that has the backbone as its model.backbone, '
                        'if the checkpoint does not say it')
    parser.add_argument('--add-prefix', action='store_true', help="write names that begin with "
                        "'backbone.', for a backbone that takes no others (mmdet's Swin)")
    args = parser.parse_args()
    stamp = export_backbone(
        args.checkpoint, args.out, method=args.method, raw=args.raw, top1=args.top1,
        prefix=args.prefix, recipe=args.recipe, add_prefix=args.add_prefix,
        config=read_config(args.config).to_dict() if args.config else None)
    print(f'Wrote {args.out}')
    for name, value in stamp.to_dict().items():
        if value is not None:
            print(f'  {name}: {value}')


if __name__ == '__main__':
    run_command(main)
