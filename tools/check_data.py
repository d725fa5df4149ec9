"""Look for every file of a config's data sets before any training starts."""
import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmresizemix.console.command import run_command
from mmresizemix.console.progress_bar import progress_bar
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.plan.data import check_data

EXAMPLES = """examples:
  python tools/check_data.py configs/ssd/ssd300_r50_8xb8-24e_coco.py work_dirs/coco.json
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config of mmpretrain or mmdet')
    parser.add_argument('out', type=Path, help='the JSON file to write what was found to')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override settings of the config')
    args = parser.parse_args()
    cfg = read_config(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    with progress_bar('looking for files') as progress:
        found = check_data(cfg, args.out, progress)
    for loader, count in found['samples'].items():
        print(f'{loader}: all files of {count} samples are there')


if __name__ == '__main__':
    run_command(main)
