"""The options that training and testing share, and the config that they ask for."""
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.config import Config, DictAction

from ..console.names import read_names
from ..openmmlab.config_parts import merge_options
from ..openmmlab.installed import drop_helpers, read_config
from .own_set import set_classes, set_data_root
from .protocols import HELD_OUT
from .sharing import LOADERS


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add the options that training and testing share."""
    parser.add_argument('config', help='a config of mmresizemix, of mmpretrain, of mmdet, or your '
                        'own: a path, or package::path for a config in an installed package')
    parser.add_argument('--work-dir',
                        help='folder of the run (default: work_dirs/<config name>)')
    parser.add_argument('--amp', action='store_true',
                        help='automatic mixed precision: float16 on a GPU, bfloat16 on a CPU')
    add_setting_arguments(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help='set by torch.distributed.launch')


def add_setting_arguments(parser: ArgumentParser, of: str = 'the config') -> None:
    """Add the options that change settings of a config.

    Args:
        of: a text that says what ``--cfg-options`` changes.
    """
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help=f'override settings of {of}, e.g. train_cfg.max_epochs=1')
    parser.add_argument('--data-root', metavar='FOLDER',
                        help='read the sets of the config from another folder: all of their paths '
                        'that begin with its data_root')
    parser.add_argument('--classes', type=read_names, metavar='NAMES',
                        help='classes of your own set: names that are separated by commas, or a '
                        'file with one per line; all sets and heads of the config get them')


def read_with_settings(config: str, args: Namespace) -> Config:
    """Read ``config`` and apply the options of :func:`add_setting_arguments`.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it is not a Python config, or an option does not fit it.
    """
    cfg = read_config(config)
    if args.data_root:
        set_data_root(cfg, args.data_root)
    if args.classes is not None:
        set_classes(cfg, args.classes)
    for name in merge_options(cfg, args.cfg_options):
        if os.environ.get('RANK', '0') == '0':
            print(f'--cfg-options: {name} is new to the config')
    return cfg


def add_protocol_arguments(parser: ArgumentParser) -> None:
    """Add the options that say what of a detector is trained, and on how many pictures."""
    parser.add_argument('--frozen', action='store_true',
                        help="keep the detector's backbone as it is, and train the rest")
    parser.add_argument('--label-fraction', type=float, metavar='SHARE',
                        help='train the detector on a share of the pictures, e.g. 0.1, which the '
                        'seed draws; smaller shares are inside larger ones')


def add_learning_rate_arguments(parser: ArgumentParser) -> None:
    """Add the options that choose the learning rate of a detector."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument('--learning-rates', type=float, nargs='+', default=[], metavar='RATE',
                        help='train the detector once with each rate, without a share of its '
                        'training pictures; then train it on all of them with the rate whose AP '
                        'on that share is the highest')
    chosen.add_argument('--learning-rate-of', metavar='RUN',
                        help='use the learning rate that the run in the folder RUN has chosen')
    parser.add_argument('--held-out', type=float, default=HELD_OUT, metavar='SHARE',
                        help='the share of the training pictures that --learning-rates holds out '
                        f'(default: {HELD_OUT})')


def load_config(args: Namespace) -> Config:
    """Read ``args.config`` and apply the options of :func:`add_run_arguments`.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it is not a Python config, or an option does not fit it.
    """
    cfg = read_with_settings(args.config, args)
    drop_helpers(cfg)
    cfg.launcher = args.launcher
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    # The option is preferred to the config, and the config to the default.
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{Path(args.config).stem}'
    if cfg.get('default_scope') == 'mmpretrain':
        _stack_batches(cfg)
    return cfg


def _stack_batches(cfg: Config) -> None:
    # mmpretrain's own tools/train.py sets these too, since its data preprocessor needs stacked
    # pictures.
    for name in LOADERS:
        if cfg.get(name):
            cfg[name].setdefault('collate_fn', dict(type='default_collate'))
            cfg[name].setdefault('pin_memory', True)
