"""Training and testing from a config and a few options, for configs of mmpretrain and of mmdet."""
import gc
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.dist import barrier, is_distributed
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from .fast import use_fast_training
from .installed import read_config
from .processes import die_with_parent
from .results.run import RANDOM
from .resuming import INTERRUPTED
from .sharing import LOADERS, take_share
from .stack import missing
from .transfer import CheckpointError, load_checkpoint

HUNG_SECONDS = 600  # without a batch for this long, a loader's workers count as hung
GUARD = 'mmresizemix.BackboneGuard'
# Other places that a run can be logged to: MMEngine's backend, and the package that it needs.
TRACKERS = dict(tensorboard=('TensorboardVisBackend', 'tensorboard'),
                mlflow=('MLflowVisBackend', 'mlflow'), wandb=('WandbVisBackend', 'wandb'))


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add the options that training and testing share."""
    parser.add_argument('config', help='a config of ours, of mmpretrain, of mmdet, or your own: a '
                        'path, or package::path of one that came with a package')
    parser.add_argument('--work-dir', help='where the run goes (default: work_dirs/<config name>)')
    parser.add_argument('--amp', action='store_true',
                        help='automatic mixed precision: float16 on a GPU, bfloat16 on a CPU')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override settings of the config, e.g. train_cfg.max_epochs=1')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help='set by torch.distributed.launch')


def load_config(args: Namespace) -> Config:
    """Read ``args.config`` and apply the options of :func:`add_run_arguments`.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it is not a Python config.
    """
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
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


def train(cfg: Config, *, backbone: str | None = None, seed: int | None = None,
          resume: str | None = None, amp: bool = False, fast: bool = False,
          trackers: Iterable[str] = ()) -> None:
    """Train the model of ``cfg``.

    Args:
        backbone: for a detector, the file that its backbone starts from, or 'random'.
        seed: the seed of everything random. None means that of the config.
        resume: a checkpoint, or 'auto' for the newest readable one of the work dir, if any.
        amp: whether to use automatic mixed precision, with dynamic loss scaling on a GPU, and with
            bfloat16 and without scaling on a CPU. ``fast`` takes precedence.
        fast: see :func:`mmresizemix.fast.use_fast_training`. The config can also set
            ``fast = True``.
        trackers: see :func:`log_to`.

    Raises:
        ValueError: ``backbone`` is given for a config that is not a detector's, or ``fast`` for one
            that is not a classifier's.
        CheckpointError: the checkpoint to resume from cannot be read safely.
        BackboneError: see :class:`mmresizemix.BackboneGuard`.
    """
    # What is trained, and how.
    if backbone is not None:
        set_backbone(cfg, backbone)
    if seed is not None:
        cfg.randomness = dict(cfg.get('randomness', {}), seed=seed)
    if fast or cfg.get('fast'):
        cfg.fast = True
        use_fast_training(cfg)
    elif amp:
        use_amp(cfg)
    # The point to start from.
    if resume is not None:
        checkpoint = newest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
        if checkpoint is None:
            print(f'{cfg.work_dir}: no checkpoint to resume from; starting from the beginning')
        cfg.resume, cfg.load_from = checkpoint is not None, checkpoint and str(checkpoint)
    # Read it strictly before MMEngine would unpickle anything in it. 'auto' has read it already.
    if cfg.get('load_from') and resume != 'auto':
        load_checkpoint(cfg.load_from)
    # Logging, and the share of a machine that several runs use.
    log_to(cfg, trackers)
    take_share(cfg)
    _use_resumable_loop(cfg)
    _notice_hung_workers(cfg)
    # A rank that outlived torchrun would continue to train.
    if cfg.get('launcher') == 'pytorch':
        die_with_parent()
    build_runner(cfg).train()
    leave_process_group()


def use_amp(cfg: Config) -> None:
    """Set ``cfg`` to mixed precision, float16 on a GPU and bfloat16 on a CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'mmresizemix.BFloat16OptimWrapper'


def log_to(cfg: Config, trackers: Iterable[str]) -> None:
    """Log to ``trackers``, keys of :data:`TRACKERS`, in addition to what ``cfg`` logs to. By
    default it logs to ``scalars.json``, which comparisons read.

    Raises:
        ImportError: a package that a tracker needs is not installed.
    """
    for name in trackers:
        backend, package = TRACKERS[name]
        if missing(package):
            raise ImportError(f'--log-to {name} needs {package}, which is not installed. '
                              f'Install it with: pip install {package}')
        visualizer = cfg.get('visualizer') or dict(type='Visualizer')
        known = visualizer.get('vis_backends') or [dict(type='LocalVisBackend')]
        if backend not in [one['type'] for one in known]:
            known = [*known, dict(type=backend, **_settings_of(name, Path(cfg.work_dir).name))]
        cfg.visualizer = dict(visualizer, vis_backends=known)


def _settings_of(tracker: str, run: str) -> dict[str, Any]:
    if tracker != 'mlflow':
        return {}
    # MMEngine's default is a store of files, which MLflow has given up. MLflow's own default is
    # MLFLOW_TRACKING_URI, or else ./mlflow.db, where `mlflow ui` looks.
    import mlflow
    return dict(tracking_uri=mlflow.get_tracking_uri(), run_name=run)


def _use_resumable_loop(cfg: Config) -> None:
    settings: Any = cfg.get('train_cfg') or {}
    if settings.get('type', 'EpochBasedTrainLoop') == 'EpochBasedTrainLoop' and settings.get(
            'by_epoch', True):
        settings.pop('by_epoch', None)
        settings.type = 'mmresizemix.ResumableEpochLoop'


def _notice_hung_workers(cfg: Config) -> None:
    for name in LOADERS:
        loader = cfg.get(name) or {}
        # Without workers torch allows no timeout.
        if loader.get('num_workers'):
            loader.setdefault('timeout', HUNG_SECONDS)


def test(cfg: Config, checkpoint: str, *, amp: bool = False) -> dict:
    """Evaluate ``checkpoint`` on the config's test set and return the metrics."""
    load_checkpoint(checkpoint)
    cfg.load_from = str(checkpoint)
    if amp:
        cfg.test_cfg.fp16 = True
    take_share(cfg)
    metrics = build_runner(cfg).test()
    leave_process_group()
    return metrics


def build_runner(cfg: Config) -> Runner:
    """Build the runner of ``cfg``. Without a GPU, several processes communicate by gloo."""
    if cfg.get('launcher') == 'pytorch' and not torch.cuda.is_available():
        _use_gloo(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def leave_process_group() -> None:
    """End the threads that connect the ranks. MMEngine leaves them to the end of the process. A
    thread that is busy when Python ends aborts its rank, and a finished training would count as
    failed."""
    if is_distributed():
        barrier()
        # The model keeps a reference to the group and is in a reference cycle with its runner.
        gc.collect()
        torch.distributed.destroy_process_group()


def _use_gloo(cfg: Config) -> None:
    # MMEngine's own start-up and model wrapper name a GPU. Both keep what is already set.
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.setdefault('model_wrapper_cfg', dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False)))


def set_backbone(cfg: Config, backbone: str) -> None:
    """Let the detector of ``cfg`` start from the file ``backbone``, or from random weights.

    With random weights nothing is frozen, neither stages nor BatchNorm statistics.

    Raises:
        ValueError: the config is not a detector's.
    """
    if cfg.get('default_scope') != 'mmdet' or 'backbone' not in cfg.model:
        raise ValueError('--backbone: expected a config of an mmdet detector with model.backbone, '
                         f'got one of scope {cfg.get("default_scope")!r}')
    if backbone == RANDOM:
        cfg.model.backbone.update(init_cfg=None, frozen_stages=-1, norm_eval=False)
    else:
        cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=backbone)
    # The guard proves before the first step that the weights arrived.
    hooks = cfg.setdefault('custom_hooks', [])
    if not any(hook['type'] == GUARD for hook in hooks):
        hooks.append(dict(type=GUARD))
    for hook in hooks:
        if hook['type'] == GUARD:
            hook['from_scratch'] = backbone == RANDOM


def newest_checkpoint(work_dir: str) -> Path | None:
    """Return the newest of ``epoch_N.pth``, ``iter_N.pth`` and ``interrupted.pth`` that can be read
    completely, or None.

    MMEngine writes checkpoints in place, so that the newest may be incomplete. The function prints
    which ones it skips.
    """
    found = [p for kind in ('epoch', 'iter') for p in Path(work_dir).glob(f'{kind}_*.pth')]
    found.sort(key=lambda p: int(p.stem.rpartition('_')[2]), reverse=True)
    # An interruption may be older or newer than the regular checkpoints.
    regular = _first_readable(found)
    stopped = _first_readable(p for p in [Path(work_dir) / INTERRUPTED] if p.is_file())
    newest = max((one for one in (regular, stopped) if one), key=lambda one: one[1], default=None)
    return newest and newest[0]


def _first_readable(paths: Iterable[Path]) -> tuple[Path, int] | None:
    """Return (path, iteration) of the first checkpoint that can be read, or None."""
    for path in paths:
        try:
            return path, load_checkpoint(path).get('meta', {}).get('iter', 0)
        except CheckpointError as error:
            print(f'Passing by a checkpoint that cannot be read: {error}')
    return None
