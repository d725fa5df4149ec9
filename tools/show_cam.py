"""Draw by Grad-CAM what a classifier sees of both classes in pictures mixed by Mixup, CutMix and
ResizeMix (Figure 5 of the paper)."""
import argparse
from pathlib import Path

from mmresizemix.console.command import run_command
from mmresizemix.show.cams import show_cams
from mmresizemix.show.classifier import load_classifier

EXAMPLES = """examples:
  python tools/show_cam.py my_config.py epoch_300.pth alligator.jpg dingo.jpg cam.png
  python tools/show_cam.py torchvision:resnet50 resnet50.pth a.jpg b.jpg cam.png \\
      --classes 'American alligator' dingo --layer layer4
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="the classifier's config of MMPretrain, or torchvision:NAME")
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('target', type=Path, help='a picture file')
    parser.add_argument('source', type=Path, help='the picture file that is mixed into the target')
    parser.add_argument('out', type=Path, help='the PNG to write')
    parser.add_argument('--classes', nargs=2, metavar=('TARGET', 'SOURCE'),
                        help='classes by name or number (default: what the classifier predicts)')
    parser.add_argument('--layer', help='layer whose maps are drawn (default: the last with maps)')
    parser.add_argument('--size', type=int, help="side in pixels (default: the classifier's)")
    parser.add_argument('--seed', type=int, default=0, help='seed of the mixes')
    args = parser.parse_args()
    classifier = load_classifier(args.config, args.checkpoint)
    print(show_cams(args.target, args.source, args.out, classifier, classes=args.classes,
                    layer=args.layer, size=args.size, seed=args.seed))


if __name__ == '__main__':
    run_command(main)
