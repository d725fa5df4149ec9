"""Training and testing of a config, for configs of mmpretrain and of mmdet."""
import gc
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_distributed
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..console.processes import die_with_parent
from ..openmmlab.checkpoint import load_checkpoint
from ..openmmlab.config_parts import class_of, section
from ..openmmlab.data_sets import empty_sets_named
from ..openmmlab.ops.unavailable import require_ops
from ..openmmlab.strict_loading import load_strictly, local_file
from ..openmmlab.unwrap import unwrapped
from ..runs import RECORD
from ..runs.learning_rate_choice import LearningRateChoice
from ..runs.method_name import STARTED_FROM
from ..runs.run_config import FROZEN
from .checkpoints import newest_checkpoint
from .fast import FAST_HOOKS, use_fast_training
from .last_batch import LastBatchHook
from .learning_rate import LearningRateError, choose_learning_rate, use_choice
from .options import set_backbone, use_amp
from .own_set import check_class_texts
from .protocols import HELD_OUT, set_protocol
from .same_model import SameModelHook
from .sharing import LOADERS, take_share
from .trackers import log_to
from .transfer_run import make_transfer_run, transfer_hooks

HUNG_SECONDS = 600  # without a batch for this long, a loader's workers count as hung


def train(cfg: Config, *, backbone: str | None = None, seed: int | None = None,
          resume: str | None = None, amp: bool = False, fast: bool = False,
          frozen: bool = False, label_fraction: float | None = None,
          learning_rates: Sequence[float] = (), held_out: float = HELD_OUT,
          learning_rate_of: str | Path | None = None,
          trackers: Iterable[str] = ()) -> None:
    """Train the model of ``cfg``.

    Args:
        backbone: for a detector, the file that its backbone starts from, or 'random'.
        seed: the seed of everything random. None means that of the config.
        resume: a checkpoint, or 'auto' for the newest readable one of the work dir, if any.
        amp: whether to use automatic mixed precision, with dynamic loss scaling on a GPU, and with
            bfloat16 and without scaling on a CPU. ``fast`` takes precedence.
        fast: see :func:`mmresizemix.training.fast.use_fast_training`. The config can also set
            ``fast = True``.
        frozen, label_fraction: for a detector, see
            :func:`mmresizemix.training.protocols.set_protocol`.
        learning_rates: for a detector, the learning rates to choose from before it is trained, on
            the share ``held_out`` of its training pictures, see
            :func:`mmresizemix.training.learning_rate.choose_learning_rate`.
        learning_rate_of: the folder of a run whose chosen learning rate is to be used.
        trackers: see :func:`log_to`.

    Raises:
        ValueError: ``backbone`` is given for a config that is not a detector's or cannot be made a
            transfer run, or ``fast`` for one that is not a classifier's.
        RuntimeError: the runner that was built lacks a hook that an option adds.
        CheckpointError: the checkpoint to resume from cannot be read safely.
        BackboneError: see :class:`mmresizemix.BackboneGuard`.
        NotImplementedError: the model needs an op of mmcv that is not available.
        LearningRateError: no learning rate can be chosen, or none was chosen by the other run.
        DataError: nothing is left of a data set.
    """
    # What is trained, and how.
    if seed is not None:
        section(cfg, 'randomness').seed = seed
    said: list[str] = []
    promised: list[str] = []
    if backbone is not None:
        said = set_backbone(cfg, backbone)
        promised += transfer_hooks()
    set_protocol(cfg, frozen, label_fraction)
    if frozen:
        promised.append(FROZEN)
    if fast or cfg.get('fast'):
        cfg.fast = True
        use_fast_training(cfg)
        promised += FAST_HOOKS
    elif amp:
        use_amp(cfg)
    # The learning rate. A choice that was begun goes on.
    go = partial(_train, promised=promised, said=said)
    if learning_rates:
        choice = choose_learning_rate(cfg, learning_rates, held_out,
                                      lambda trial: go(trial, resume and 'auto'), _test)
        use_choice(cfg, choice)
    elif learning_rate_of is not None:
        found = LearningRateChoice.read(learning_rate_of)
        if found is None:
            raise LearningRateError(f'--learning-rate-of: {learning_rate_of}: no run that has '
                                    'tried learning rates')
        use_choice(cfg, found)
    go(cfg, resume, trackers=trackers)
    leave_process_group()


def _train(cfg: Config, resume: str | None, promised: Iterable[str], said: Iterable[str],
           trackers: Iterable[str] = ()) -> None:
    """Train a config to which the options were applied."""
    # The point to start from.
    if resume is not None:
        checkpoint = newest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
        if checkpoint is None:
            print(f'{cfg.work_dir}: no checkpoint to resume from; starting from the beginning')
        else:
            # What a fine-tuning started from belongs to its method.
            if cfg.get('load_from') and not cfg.get('resume'):
                cfg[STARTED_FROM] = cfg.load_from
            cfg.load_from = str(checkpoint)
        cfg.resume = checkpoint is not None
    check_class_texts(cfg)
    load_strictly()
    # Refuse a file that cannot be read before the data are looked at. 'auto' has read its own.
    if cfg.get('load_from') and not (cfg.resume and resume == 'auto'):
        load_checkpoint(local_file(cfg.load_from))
    # Logging, and the share of a machine that several runs use.
    log_to(cfg, trackers)
    take_share(cfg)
    _use_resumable_loop(cfg)
    _notice_hung_workers(cfg)
    # A rank that outlived torchrun would continue to train.
    if cfg.get('launcher') == 'pytorch':
        die_with_parent()
    # No name is given to the runner: it must be gone when the process group is left.
    with empty_sets_named(cfg, LOADERS):
        _with_hooks(build_runner(cfg), promised, said).train()


def _with_hooks(runner: Runner, promised: Iterable[str], said: Iterable[str]) -> Runner:
    """Check that the runner has the hooks that the options add, and log what else they changed. A
    setting that is lost on the way to the runner would not be seen otherwise."""
    built = {type(hook).__name__ for hook in runner.hooks}
    lacking = [name for name in promised if name not in built]
    if lacking:
        raise RuntimeError(f'{type(runner).__name__} was built without {", ".join(lacking)}, which '
                           '--backbone, --frozen or --fast adds; use a runner that has the hooks '
                           'of custom_hooks and default_hooks')
    for line in said:
        runner.logger.info(f'--backbone: {line}')
    return runner


def _use_resumable_loop(cfg: Config) -> None:
    settings = section(cfg, 'train_cfg')
    if (class_of(settings) or 'EpochBasedTrainLoop') == 'EpochBasedTrainLoop' and settings.get(
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
    """Evaluate ``checkpoint`` on the config's test set and return the metrics.

    Raises:
        CheckpointError: the checkpoint cannot be read safely, or is that of another model.
    """
    metrics = _test(cfg, checkpoint, amp)
    leave_process_group()
    return metrics


def _test(cfg: Config, checkpoint: str, amp: bool = False) -> dict:
    check_class_texts(cfg)
    load_strictly()
    load_checkpoint(local_file(str(checkpoint)))
    cfg.load_from = str(checkpoint)
    # A run with --backbone is tested as it was validated.
    if (Path(checkpoint).parent / RECORD).is_file():
        make_transfer_run(cfg)
    if amp:
        cfg.test_cfg.fp16 = True
    take_share(cfg)
    with empty_sets_named(cfg, LOADERS):
        return build_runner(cfg).test()


def build_runner(cfg: Config) -> Runner:
    """Build the runner of ``cfg``. Without a GPU, several processes communicate by gloo.

    Raises:
        NotImplementedError: its model needs an op of mmcv that is not available.
    """
    if cfg.get('launcher') == 'pytorch' and not torch.cuda.is_available():
        _use_gloo(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    if isinstance(runner.model, torch.nn.Module):  # MMEngine's FlexibleRunner builds it later
        require_ops(unwrapped(runner.model))
    runner.register_hook(SameModelHook(), 'VERY_HIGH')
    runner.register_hook(LastBatchHook())
    return runner


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
    if cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False))
