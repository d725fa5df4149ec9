"""Draw a batch before and after mixing, with labels and boxes. The pictures come from a pretraining
config or from any folder. Or draw every method of the paper on one pair of pictures."""
import argparse
from pathlib import Path

from mmresizemix.console.command import run_command
from mmresizemix.show.classifier import load_classifier
from mmresizemix.show.config_batch import show_config_mix
from mmresizemix.show.folder import METHODS, show_folder_mix
from mmresizemix.show.methods import show_methods
from mmresizemix.training.arguments import add_setting_arguments, read_with_settings

EXAMPLES = """examples:
  python tools/show_mix.py configs/demo/resnet18-resizemix_scenes.py resizemix.png
  python tools/show_mix.py configs/pretrain/resnet50_8xb64-cutmix-300e_in1k.py cutmix.png --seed 3
  python tools/show_mix.py --pictures my_folder mixed.png --method cutmix
  python tools/show_mix.py --pictures my_folder mixed.png --cfg-options scale_range=0.2,0.5
  python tools/show_mix.py --pair cat.jpg dog.jpg sheet.png
  python tools/show_mix.py torchvision:resnet50 --checkpoint resnet50.pth --pair a.jpg b.jpg all.png
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?',
                        help='a pretraining config; with --pair, the config of any classifier, or '
                        'torchvision:NAME')
    parser.add_argument('out', type=Path, help='the PNG to write')
    parser.add_argument('--pictures', type=Path, metavar='FOLDER',
                        help='mix pictures in it or below, without a config')
    parser.add_argument('--method', choices=METHODS, default='resizemix',
                        help='method that mixes --pictures (default: %(default)s)')
    parser.add_argument('--pair', nargs=2, type=Path, metavar=('TARGET', 'SOURCE'),
                        help='draw every method on two picture files, on one sheet')
    parser.add_argument('--checkpoint', type=Path,
                        help="the classifier's, for methods that need it to find salient parts")
    parser.add_argument('--layer', help='layer for Grad-CAM of --pair (default: last with maps)')
    parser.add_argument('--size', type=int, help='side of a picture without a config, in pixels')
    parser.add_argument('--samples', type=int, default=8, help='pictures to mix (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the pictures and of the mix')
    add_setting_arguments(parser, "the config, or of --pictures' method")
    # Positional arguments may stand on both sides of an option, as in "CONFIG --pair A B all.png".
    args = parser.parse_intermixed_args()
    if args.pair:
        if (args.config is None) != (args.checkpoint is None):
            parser.error('a classifier is a config and a --checkpoint')
        classifier = load_classifier(args.config, args.checkpoint) if args.config else None
        print(show_methods(*args.pair, args.out, args.size, args.seed, classifier,
                           args.layer))
        return
    # Mix the pictures of a folder without a config, or else those of a pretraining config.
    if args.pictures:
        print(show_folder_mix(args.pictures, args.out, args.method, args.samples, args.seed,
                              args.size, args.cfg_options))
        return
    if args.config is None:
        parser.error('give a config, --pictures, or --pair')
    print(show_config_mix(read_with_settings(args.config, args), args.out, args.samples,
                          args.seed, args.checkpoint))


if __name__ == '__main__':
    run_command(main)
