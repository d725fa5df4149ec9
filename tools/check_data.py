"""Look for every file of a config's data sets before any training starts."""
import argparse
from pathlib import Path

from mmresizemix.console.command import run_command
from mmresizemix.console.progress_bar import progress_bar
from mmresizemix.plan.data import check_data
from mmresizemix.training.arguments import add_setting_arguments, read_with_settings

EXAMPLES = """examples:
  python tools/check_data.py configs/ssd/ssd300_r50_8xb8-24e_coco.py work_dirs/coco.json
  python tools/check_data.py CONFIG OUT --data-root data/my_set --classes 'traffic light,car'
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config of mmpretrain or mmdet')
    parser.add_argument('out', type=Path, help='the JSON file to write what was found to')
    add_setting_arguments(parser)
    args = parser.parse_args()
    cfg = read_with_settings(args.config, args)
    with progress_bar('looking for files') as progress:
        found = check_data(cfg, args.out, progress)
    for loader, count in found['samples'].items():
        print(f'{loader}: all files of {count} samples are there')


if __name__ == '__main__':
    run_command(main)
