"""A plan: which pretrainings, which detectors and which seeds to run. It is a short Python config::

    pretrainings = [
        dict(name='baseline', config='../pretrain/resnet50_8xb64-300e_in1k.py'),
        dict(name='mine', checkpoint='/data/epoch_300.pth', method='mine'),
        dict(name='random weights', random=True, seeds=[0]),
    ]
    detectors = [
        dict(name='SSD300 on COCO', config='../ssd/ssd300_r50_8xb8-24e_coco.py'),
        dict(name='RetinaNet, 1 %', config='mmdet::retinanet/…', label_fraction=0.01),
        dict(name='RetinaNet, frozen', config='mmdet::retinanet/…', frozen=True),
        dict(name='RetinaNet, best rate', config='mmdet::retinanet/…',
             learning_rates=[0.005, 0.01, 0.02]),
    ]
    seeds = [0, 1, 2]
    gpus_per_run = 8
    slurm = dict(partition='gpu', minutes=1440)  # for --executor slurm
    log_to = ['tensorboard']  # also log every training there

Relative paths start at the folder of the plan, as those of ``_base_`` do. A config of an installed
package is written ``mmresizemix::ssd/…``.

Without ``detectors``, the classifiers themselves are compared by top-1 accuracy, as in the paper's
other tables. ``seeds`` are then the seeds of the classifiers, and ``column`` names the column of
the table, for networks or data sets side by side::

    pretrainings = [
        dict(name='baseline', column='WRN-28-10',
             config='../cifar/wrn28-10_1xb256-200e_cifar100.py'),
        dict(name='ResizeMix', column='WRN-28-10', config='...'),
    ]
    seeds = [0, 1, 2]
"""
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..openmmlab.installed import config_path, read_config
from ..training.protocols import HELD_OUT, check_fraction, check_rates, check_share
from ..training.trackers import TRACKERS


class PlanError(ValueError):
    """Raised if a plan cannot be carried out. The message says where the fault is, and what it is.
    """


@dataclass(frozen=True)
class Pretraining:
    """A pretraining that detectors start from: exactly one of ``config``, ``checkpoint`` and
    ``random``.

    Args:
        name: the name of its row in the table.
        config: a config of mmpretrain, which is trained once with each of ``seeds``.
        checkpoint: a finished checkpoint of mmpretrain, torchvision or timm.
        random: no pretraining at all, but random weights.
        method: the name of its method in the table (default: what the checkpoint's config says).
        recipe, prefix: of a checkpoint that does not say them, see
            :func:`~mmresizemix.transfer.export_backbone`.
        options: settings that override those of the config, by dotted name. ``_delete_=True`` among
            them removes the settings of the config.
        seeds: the seeds of the pretraining (default: those of the plan if classifiers are compared,
            else 0 only). For random weights, the seeds of the fine-tuning (default: those of each
            detector).
        column: the column of the table, if classifiers are compared (default: the name of the
            network).
    """
    name: str
    config: Path | None = None
    checkpoint: Path | None = None
    random: bool = False
    method: str | None = None
    recipe: str | None = None
    prefix: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    column: str | None = None

    @property
    def title(self) -> str:
        """The names of its column and row."""
        return ' '.join(filter(None, (self.column, self.name)))


@dataclass(frozen=True)
class Detector:
    """A config of mmdet that is fine-tuned from every pretraining with each of ``seeds``.

    Args:
        frozen: keep the backbone as it is.
        label_fraction: the share of the training pictures that are used, in (0, 1].
        learning_rates: the learning rates from which each pretraining's first run chooses one for
            all its runs. If empty, the learning rate is that of the config.
        held_out: the share of the training pictures on which it is chosen, in (0, 1).
    """
    name: str
    config: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, )
    frozen: bool = False
    label_fraction: float = 1
    learning_rates: tuple[float, ...] = ()
    held_out: float = HELD_OUT


@dataclass(frozen=True)
class Slurm:
    """The resources that a job asks of a Slurm cluster, all on one node.

    Args:
        partition: the partition of the cluster (default: the cluster's own).
        minutes: the time limit of a job. When it is reached, the job is stopped and queued again to
            go on.
        cpus: CPU cores per process: a run on 8 GPUs asks for 8 times as many.
        memory_gb: memory per process, in GiB. None if the cluster's default is to be used.
        signal_seconds: the time that a job gets to save its state before it is stopped.
        more: other options of ``sbatch``, such as ``dict(account='vision', qos='low')``.
    """
    partition: str | None = None
    minutes: int = 1440
    cpus: int = 8
    memory_gb: float | None = None
    signal_seconds: int = 120
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that is to be run, and how.

    Args:
        name: the name of the plan's file, without its suffix.
        baseline: the row of the table that others are compared with (default: 'baseline').
        gpus_per_run: the number of GPUs of one run, each with its own process. 0 for the CPU.
        runs_per_gpu: the number of runs that share one GPU of this machine, if ``gpus_per_run``
            is 1.
        at_once: the number of runs at a time on one machine. If None, it is as many as the GPUs
            allow, or two on a CPU. On a cluster, the number of jobs of one array at a time. If
            None, all of them.
        slurm: the resources that jobs ask for, with ``--executor slurm``.
        log_to: where trainings are logged in addition to their folders: keys of
            :data:`mmresizemix.training.launch.TRACKERS`.
    """
    name: str
    pretrainings: tuple[Pretraining, ...]
    detectors: tuple[Detector, ...]
    baseline: str | None = None
    gpus_per_run: int = 0
    runs_per_gpu: int = 1
    at_once: int | None = None
    slurm: Slurm = Slurm()
    log_to: tuple[str, ...] = ()


def read_plan(path: str | Path) -> Plan:
    """Read a plan and check it.

    Raises:
        PlanError: the file is missing, or holds something that a plan cannot have.
    """
    # Read the file. Names that begin with an underscore are the plan's own.
    path = config_path(path)
    if not path.is_file():
        raise PlanError(f'{path}: no such plan; expected a file like configs/plans/table5.py')
    content = {k: v for k, v in read_config(path).to_dict().items() if not k.startswith('_')}
    known = {'pretrainings', 'detectors', 'seeds', 'baseline', 'gpus_per_run', 'runs_per_gpu',
             'at_once', 'slurm', 'log_to'}
    _only(known, content, str(path))
    # Without detectors, the classifiers are compared. Then the seeds of the plan are theirs.
    seeds = read_seeds(content.get('seeds', [0]), f'{path}: seeds')
    entries = _list(content, 'pretrainings', path)
    compares_classifiers = not content.get('detectors') and all(
        isinstance(entry, dict) and entry.get('config') for entry in entries)
    own = seeds if compares_classifiers else (0, )
    pretrainings = tuple(_pretraining(entry, path, own) for entry in entries)
    detectors = () if compares_classifiers else tuple(
        _detector(entry, path, seeds) for entry in _list(content, 'detectors', path))
    # Folders are named by slugs of these names, so the slugs must differ, too.
    for kind, found in (('pretrainings', [one.title for one in pretrainings]),
                        ('detectors', [one.name for one in detectors])):
        if len(set(map(slug, found))) < len(found):
            raise PlanError(f'{path}: {kind}: names must differ, got '
                            f'{", ".join(map(repr, found))}')
    # Check the numbers.
    at_once = content.get('at_once')
    gpus_per_run = _whole(content.get('gpus_per_run', 0), 0, f'{path}: gpus_per_run')
    runs_per_gpu = _whole(content.get('runs_per_gpu', 1), 1, f'{path}: runs_per_gpu')
    if runs_per_gpu > 1 and gpus_per_run != 1:
        raise PlanError(f'{path}: runs_per_gpu: {runs_per_gpu} runs can share a GPU only if '
                        f'each takes one; expected gpus_per_run = 1, got {gpus_per_run}')
    return Plan(path.stem, pretrainings, detectors, content.get('baseline'),
                gpus_per_run, runs_per_gpu,
                None if at_once is None else _whole(at_once, 1, f'{path}: at_once'),
                _slurm(content.get('slurm', {}), f'{path}: slurm'),
                _trackers(content.get('log_to', ()), f'{path}: log_to'))


def _slurm(entry: Any, place: str) -> Slurm:
    if not isinstance(entry, dict):
        raise PlanError(f"{place}: expected a dict like dict(partition='gpu', minutes=1440), got "
                        f'{entry!r}')
    _only(set(Slurm.__dataclass_fields__), entry, place)
    for name in ('minutes', 'cpus', 'signal_seconds'):
        _whole(entry.get(name, 1), 1, f'{place}: {name}')
    return Slurm(**entry)


def _whole(found: Any, least: int, place: str) -> int:
    if not isinstance(found, int) or found < least:
        raise PlanError(f'{place}: expected a whole number of at least {least}, got {found!r}')
    return found


def _trackers(found: Any, place: str) -> tuple[str, ...]:
    if not isinstance(found, (list, tuple)) or not all(one in tuple(TRACKERS) for one in found):
        raise PlanError(f'{place}: expected a list of {", ".join(TRACKERS)}, got {found!r}')
    return tuple(found)


def _list(content: Mapping[str, Any], name: str, path: Path) -> Sequence[Mapping[str, Any]]:
    found = content.get(name)
    if not isinstance(found, (list, tuple)) or not found or not all(
            isinstance(one, dict) for one in found):
        raise PlanError(f'{path}: {name}: expected a list of dict(name=..., config=...), got '
                        f'{found!r}')
    return found


def _pretraining(entry: Mapping[str, Any], path: Path, own: tuple[int, ...]) -> Pretraining:
    # ``own`` are the seeds of a pretraining that names none. Random weights take the detector's.
    place = f'{path}: pretrainings: {entry.get("name", entry)!r}'
    _only(set(Pretraining.__dataclass_fields__), entry, place)
    given = [k for k in ('config', 'checkpoint', 'random') if entry.get(k)]
    if 'name' not in entry or len(given) != 1:
        raise PlanError(f'{place}: expected a name and exactly one of config, checkpoint and '
                        f'random=True, got {sorted(entry)}')
    if given == ['random'] and {'method', 'options'} & set(entry):
        raise PlanError(f'{place}: random weights take neither method nor options')
    if given != ['checkpoint'] and {'recipe', 'prefix'} & set(entry):
        raise PlanError(f'{place}: recipe and prefix are of a finished checkpoint only')
    default = None if given == ['random'] else own
    seeds = read_seeds(entry['seeds'], f'{place}: seeds') if 'seeds' in entry else default
    if given == ['checkpoint'] and seeds and len(seeds) > 1:
        raise PlanError(f'{place}: seeds: a finished checkpoint is one pretraining, got {seeds}')
    return Pretraining(**{**entry, 'options': _options(entry), 'seeds': seeds,
                          **_paths(entry, path, place)})


def _detector(entry: Mapping[str, Any], path: Path, seeds: tuple[int, ...]) -> Detector:
    place = f'{path}: detectors: {entry.get("name", entry)!r}'
    _only(set(Detector.__dataclass_fields__), entry, place)
    if not {'name', 'config'} <= set(entry):
        raise PlanError(f'{place}: expected a name and a config, got {sorted(entry)}')
    own = read_seeds(entry['seeds'], f'{place}: seeds') if 'seeds' in entry else seeds
    if not isinstance(entry.get('frozen', False), bool):
        raise PlanError(f'{place}: frozen: expected True or False, got {entry["frozen"]!r}')
    try:
        check_fraction(entry.get('label_fraction', 1), f'{place}: label_fraction')
        check_share(entry.get('held_out', HELD_OUT), f'{place}: held_out')
    except ValueError as error:
        raise PlanError(str(error)) from None
    rates = entry.get('learning_rates', ())
    if rates != ():
        try:
            check_rates(rates)
        except ValueError as error:
            raise PlanError(f'{place}: learning_rates: {error}') from None
    return Detector(**{**entry, 'options': _options(entry), 'seeds': own,
                       'learning_rates': tuple(rates), **_paths(entry, path, place)})


def _options(entry: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_by_dotted_name(entry.get('options', {})))


def _paths(entry: Mapping[str, Any], path: Path, place: str) -> dict[str, Path]:
    found = {}
    for name in ('config', 'checkpoint'):
        if entry.get(name):
            found[name] = (path.parent / config_path(entry[name]).expanduser()).resolve()
            if not found[name].is_file():
                raise PlanError(f'{place}: {name}: no such file: {found[name]}')
    return found


def read_seeds(found: Any, place: str) -> tuple[int, ...]:
    """Check that ``found`` is a list of seeds, and return them.

    Raises:
        PlanError: ``found`` at ``place`` is not a list of different seeds.
    """
    if not isinstance(found, (list, tuple)) or not found or not all(
            isinstance(s, int) and s >= 0 for s in found) or len(set(found)) < len(found):
        raise PlanError(f'{place}: expected different numbers of at least 0, got {found!r}')
    return tuple(found)


def _by_dotted_name(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every option that is not a dictionary, and the settings inside of those that are, each
    with its dotted name."""
    for name, value in options.items():
        if isinstance(value, Mapping) and value:
            yield from _by_dotted_name({f'{name}.{k}': v for k, v in value.items()})
        else:
            yield name, value


def _only(known: set[str], entry: Mapping[str, Any], place: str) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise PlanError(f'{place}: unknown: {", ".join(unknown)}; known: '
                        f'{", ".join(sorted(known))}')


def slug(name: str) -> str:
    """Turn a name into the name of a folder: 'ResizeMix+ 0' -> 'resizemix-plus-0'."""
    words = name.lower().replace('+', ' plus ')
    return '-'.join(''.join(c if c.isalnum() else ' ' for c in words).split())
