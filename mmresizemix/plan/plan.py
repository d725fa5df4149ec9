"""A plan: which pretrainings, which detectors, how many seeds. A short Python config says it::

    pretrainings = [
        dict(name='baseline', config='../pretrain/resnet50_8xb64-300e_in1k.py'),
        dict(name='mine', checkpoint='/data/epoch_300.pth', method='mine'),
        dict(name='random weights', random=True, seeds=[0]),
    ]
    detectors = [dict(name='SSD300 on COCO', config='../ssd/ssd300_r50_8xb8-24e_coco.py')]
    seeds = [0, 1, 2]
    gpus_per_run = 8
    slurm = dict(partition='gpu', minutes=1440)  # for --executor slurm
    log_to = ['tensorboard']  # every training, also there

Relative paths start at the plan's own folder, as those of ``_base_`` do; configs of an installed
package are ``mmresizemix::ssd/…``. Without ``detectors`` the
classifiers themselves are compared, by top-1: the paper's other tables. ``seeds`` are theirs then,
and ``column`` tells networks or data sets apart that a table has side by side::

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

from ..installed import config_path, read_config
from ..launch import TRACKERS


class PlanError(ValueError):
    """A plan that cannot be carried out; says where, what, and what was expected."""


@dataclass(frozen=True)
class Pretraining:
    """Where detectors start from: exactly one of ``config``, ``checkpoint`` and ``random``.

    Args:
        config: of mmpretrain, trained here, once with each of ``seeds``.
        checkpoint: a finished one of mmpretrain, torchvision or timm.
        random: no pretraining at all.
        method: its name in the table (default: what the checkpoint's config says).
        options: settings that override the config's, by dotted name; ``_delete_=True`` among them
            takes those of the config away.
        seeds: of the pretraining; of random weights, of the fine-tuning (default: the plan's).
        column: of the table, where classifiers are compared (default: the network's name).
    """
    name: str
    config: Path | None = None
    checkpoint: Path | None = None
    random: bool = False
    method: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    column: str | None = None

    @property
    def title(self) -> str:
        """Column and row."""
        return ' '.join(filter(None, (self.column, self.name)))


@dataclass(frozen=True)
class Detector:
    """A config of mmdet, fine-tuned from every pretraining with each of ``seeds``."""
    name: str
    config: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, )


@dataclass(frozen=True)
class Slurm:
    """What a job asks of a Slurm cluster, all on one node.

    Args:
        minutes: after which a job is stopped, and queued again to go on.
        cpus, memory_gb: of each process: of a run on 8 GPUs, 8 times that. No memory: the
            cluster's default.
        signal_seconds: that a job gets to write where it is before it is stopped.
        more: other options of ``sbatch``, as ``dict(account='vision', qos='low')``.
    """
    partition: str | None = None
    minutes: int = 1440
    cpus: int = 8
    memory_gb: float | None = None
    signal_seconds: int = 120
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Args:
        baseline: the table's row that others are compared with (default: 'baseline').
        gpus_per_run: processes of one run; 0: the CPU.
        runs_per_gpu: runs that share one GPU of this machine, where ``gpus_per_run`` is 1.
        at_once: runs at a time on one machine; None: as many as its GPUs allow, on a CPU two. On
            a cluster, jobs at a time of one array; None: all.
        slurm: what its jobs ask for, with ``--executor slurm``.
        log_to: where trainings are logged beside their folders: keys of
            :data:`mmresizemix.launch.TRACKERS`.
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
    """
    Raises:
        PlanError: the file is missing, or says what a plan does not have.
    """
    path = config_path(path)
    if not path.is_file():
        raise PlanError(f'{path}: no such plan; expected a file as configs/plans/table5.py')
    content = {k: v for k, v in read_config(path).to_dict().items() if not k.startswith('_')}
    known = {'pretrainings', 'detectors', 'seeds', 'baseline', 'gpus_per_run', 'runs_per_gpu',
             'at_once', 'slurm', 'log_to'}
    _only(known, content, str(path))
    seeds = read_seeds(content.get('seeds', [0]), f'{path}: seeds')
    entries = _list(content, 'pretrainings', path)
    compares_classifiers = not content.get('detectors') and all(
        isinstance(entry, dict) and entry.get('config') for entry in entries)
    own = seeds if compares_classifiers else (0, )
    pretrainings = tuple(_pretraining(entry, path, own) for entry in entries)
    detectors = () if compares_classifiers else tuple(
        _detector(entry, path, seeds) for entry in _list(content, 'detectors', path))
    for kind, found in (('pretrainings', [one.title for one in pretrainings]),
                        ('detectors', [one.name for one in detectors])):
        if len(set(map(slug, found))) < len(found):
            raise PlanError(f'{path}: {kind}: names must differ, got '
                            f'{", ".join(map(repr, found))}')
    at_once = content.get('at_once')
    gpus_per_run = _whole(content.get('gpus_per_run', 0), 0, f'{path}: gpus_per_run')
    runs_per_gpu = _whole(content.get('runs_per_gpu', 1), 1, f'{path}: runs_per_gpu')
    if runs_per_gpu > 1 and gpus_per_run != 1:
        raise PlanError(f'{path}: runs_per_gpu: {runs_per_gpu} runs can share a GPU where each '
                        f'takes one; expected gpus_per_run = 1, got {gpus_per_run}')
    return Plan(path.stem, pretrainings, detectors, content.get('baseline'),
                gpus_per_run, runs_per_gpu,
                None if at_once is None else _whole(at_once, 1, f'{path}: at_once'),
                _slurm(content.get('slurm', {}), f'{path}: slurm'),
                _trackers(content.get('log_to', ()), f'{path}: log_to'))


def _slurm(entry: Any, place: str) -> Slurm:
    if not isinstance(entry, dict):
        raise PlanError(f"{place}: expected as dict(partition='gpu', minutes=1440), got {entry!r}")
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
    place = f'{path}: pretrainings: {entry.get("name", entry)!r}'
    _only(set(Pretraining.__dataclass_fields__), entry, place)
    given = [k for k in ('config', 'checkpoint', 'random') if entry.get(k)]
    if 'name' not in entry or len(given) != 1:
        raise PlanError(f'{place}: expected a name and exactly one of config, checkpoint and '
                        f'random=True, got {sorted(entry)}')
    if given == ['random'] and {'method', 'options'} & set(entry):
        raise PlanError(f'{place}: random weights take neither method nor options')
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
    return Detector(**{**entry, 'options': _options(entry), 'seeds': own,
                       **_paths(entry, path, place)})


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
    """
    Raises:
        PlanError: ``found`` at ``place`` is not a list of different seeds.
    """
    if not isinstance(found, (list, tuple)) or not found or not all(
            isinstance(s, int) and s >= 0 for s in found) or len(set(found)) < len(found):
        raise PlanError(f'{place}: expected different numbers of at least 0, got {found!r}')
    return tuple(found)


def _by_dotted_name(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every option that is no dictionary, and each setting of those that are."""
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
    """A name as a folder's: 'ResizeMix+ 0' -> 'resizemix-plus-0'."""
    words = name.lower().replace('+', ' plus ')
    return '-'.join(''.join(c if c.isalnum() else ' ' for c in words).split())
