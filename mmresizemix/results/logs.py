"""What MMEngine's logs say of a run, merged over its starts. Needs neither torch nor OpenMMLab."""
import json
import math
import re
import statistics
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

# The metric that says how good a model is, by its logged name: what people call it.
HEADLINES = {'accuracy/top1': 'top-1', 'coco/bbox_mAP': 'AP', 'pascal_voc/mAP': 'mAP'}
METRIC = re.compile(r'"(coco|pascal_voc|accuracy)/')
EMPTY = re.compile(r'\{"data_time": [^,]+, "time": [^,]+, "step": (\d+)\}')  # a validation
START = re.compile(r'\d{8}_\d{6}$')  # a run's folder for each of its starts
TIMED = 200  # training lines that the speed is taken from
VERSION = re.compile(r'^\s+(Python|PyTorch|TorchVision|MMEngine|GPU 0|GPU 0,.*?): (.+)$', re.M)


@dataclass(frozen=True)
class Log:
    """A run as it was logged.

    Args:
        validations: metrics by their logged names, by epoch; {} of one that gave none.
        test: metrics of the newest test, if any was run.
        seed, gpus: as the newest start says; None where it does not.
        hours: of all starts together.
        seconds_a_step: median; peak_memory: in GiB, on a GPU.
        nan_epoch: where a loss was first not a number.
        cut_off: json lines that are not whole, as 'file:line'.
    """
    validations: dict[int, dict[str, float]] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    seed: int | None = None
    gpus: int | None = None
    hours: float | None = None
    seconds_a_step: float | None = None
    peak_memory: float | None = None
    nan_epoch: int | None = None
    cut_off: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


def starts_of(work_dir: str | Path) -> list[Path]:
    """The folders of a run's starts, oldest first."""
    return sorted(p for p in Path(work_dir).glob('*') if START.search(p.name) and p.is_dir())


def read_log(work_dir: str | Path) -> Log:
    """Merge the logs of every start; what a later start validated again counts.

    Raises:
        OSError: a log cannot be read.
    """
    validations: dict[int, dict[str, float]] = {}
    test: dict[str, float] = {}
    training: list[dict] = []
    cut_off: list[str] = []
    hours, facts, nan_epoch = 0.0, {}, None
    for start in starts_of(work_dir):
        scalars = start / 'vis_data' / 'scalars.json'
        if scalars.is_file():
            metrics, train, broken, first_nan = _read_scalars(scalars)
            for epoch, values in metrics:
                validations.setdefault(epoch, {}).update(values)
            training += train
            cut_off += [f'{start.name}/vis_data/scalars.json:{line}' for line in broken]
            nan_epoch = nan_epoch if nan_epoch is not None else first_nan
        tested = start / f'{start.name}.json'
        if tested.is_file():
            for entry in json_lines(tested):
                test.update(_metrics(entry))
        hours_here, found = _read_text(start / f'{start.name}.log')
        hours += hours_here
        facts.update(found)
    times = [e['time'] for e in training if 'time' in e]
    memory = [e['memory'] for e in training if e.get('memory')]
    return Log(validations, test, _int(facts.pop('seed', None)), _int(facts.pop('gpus', None)),
               hours or None, statistics.median(times) if times else None,
               max(memory) / 1024 if memory else None, nan_epoch, tuple(cut_off), facts)


def _read_scalars(path: Path) -> tuple[list, list[dict], list[int], int | None]:
    """[(epoch, metrics)], some training lines, numbers of broken lines, first epoch of a NaN."""
    lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    metrics, broken, nan_epoch, training = [], [], None, []
    for number, line in enumerate(lines, 1):
        if not line.endswith('}') or not line.startswith('{'):
            broken += [number] if line.strip() else []
        elif METRIC.search(line):
            entry = _json(line)
            if entry is None:
                broken.append(number)
            else:
                metrics.append((int(entry.get('step', 0)), _metrics(entry)))
        elif empty := EMPTY.fullmatch(line):
            metrics.append((int(empty[1]), {}))
        elif 'NaN' in line and nan_epoch is None:
            nan_epoch = _epoch_of_nan_loss(_json(line) or {})
        else:
            training.append(line)
    some = training[::max(1, len(training) // TIMED)]  # long logs: parsing all takes seconds
    return metrics, [e for e in map(_json, some) if e], broken, nan_epoch


def _epoch_of_nan_loss(entry: dict) -> int | None:
    # a gradient norm may be NaN for a step under mixed precision; a loss may not
    lost = any(k.startswith('loss') and isinstance(v, float) and math.isnan(v)
               for k, v in entry.items())
    return entry.get('epoch') if lost else None


def _json(line: str) -> dict | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _metrics(entry: dict) -> dict[str, float]:
    return {k: float(v) for k, v in entry.items() if '/' in k and isinstance(v, (int, float))}


def _read_text(path: Path) -> tuple[float, dict[str, str]]:
    """Hours from the first to the last line, and the facts of the head."""
    if not path.is_file():
        return 0.0, {}
    with open(path, 'rb') as file:
        head = file.read(8192).decode(errors='replace')
        file.seek(max(0, path.stat().st_size - 8192))
        tail = file.read().decode(errors='replace')
    facts = {k: v.split()[0] if k != 'GPU 0' else v for k, v in VERSION.findall(head)}
    for name, label in (('seed', 'seed'), ('gpus', 'GPU number')):
        found = re.search(rf'^\s+{label}: (\d+)', head, re.M)
        if found:
            facts[name] = found[1]
    return (_hours(head, tail) if head else 0.0), facts


def _hours(head: str, tail: str) -> float:
    stamps = [re.findall(r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) ', text, re.M)
              for text in (head, tail)]
    if not all(stamps):
        return 0.0
    first, last = (datetime.strptime(s, '%Y/%m/%d %H:%M:%S') for s in (stamps[0][0], stamps[1][-1]))
    return (last - first).total_seconds() / 3600


def _int(text: str | None) -> int | None:
    return int(text) if text is not None else None


def read_metrics(work_dir: str | Path, epoch: int | None = None) -> dict[str, float]:
    """The metrics of a run's last evaluation, by their logged names, e.g. ``coco/bbox_mAP``.

    Args:
        epoch: take only what was validated after this epoch, or tested; None: the last of all.

    Returns:
        An empty dict where nothing was evaluated.
    """
    log = read_log(work_dir)
    last = max(log.validations, default=0) if epoch is None else epoch
    return {**log.validations.get(last, {}), **log.test}


def json_lines(path: Path) -> list[dict]:
    """The dicts of a json-lines log, in order; lines that are none, or cut off, are passed by."""
    lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    return [e for e in map(_json, lines) if e is not None]
