"""Draw a batch of a pretraining config before and after mixing, with labels and boxes."""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmresizemix.command import run_command
from mmresizemix.preview import show_config_mix

EXAMPLES = """examples:
  python tools/show_mix.py configs/demo/resnet18-resizemix_scenes.py resizemix.png
  python tools/show_mix.py configs/pretrain/resnet50_8xb64-cutmix-300e_in1k.py cutmix.png --seed 3
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a pretraining config with model.train_cfg.augments')
    parser.add_argument('out', type=Path, help='the PNG to write')
    parser.add_argument('--samples', type=int, default=8, help='pictures to mix (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help='which pictures, which mix')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override settings of the config')
    args = parser.parse_args()
    print(show_config_mix(args.config, args.out, args.samples, args.seed, args.cfg_options))


if __name__ == '__main__':
    run_command(main)
