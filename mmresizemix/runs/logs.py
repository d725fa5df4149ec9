"""The logs that MMEngine writes of a run, merged over the starts of the run.

This module needs neither torch nor OpenMMLab.
"""
import json
import math
import re
import statistics
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

# logged name of the metric that says how good a model is -> what people call it
HEADLINES = {'accuracy/top1': 'top-1', 'coco/bbox_mAP': 'AP', 'pascal_voc/mAP': 'mAP'}
METRIC = re.compile(r'"(coco|pascal_voc|accuracy)/')
# the line of a validation that gave no metric
EMPTY = re.compile(r'\{"data_time": [^,]+, "time": [^,]+, "step": (\d+)\}')
START = re.compile(r'\d{8}_\d{6}$')  # the folder that a run makes at each start
TIMED = 200  # about how many training lines the speed and the memory are taken from
VERSION = re.compile(r'^\s+(Python|PyTorch|TorchVision|MMEngine|GPU 0|GPU 0,.*?): (.+)$', re.M)


@dataclass(frozen=True)
class Log:
    """The log of a run.

    Args:
        validations: the metrics of each validated epoch, by their logged names. They are {} for a
            validation that gave no metric.
        test: the metrics of the newest test, if any was run.
        seed, gpus: the seed and the number of GPUs of the newest start that logged them, or None.
        hours: the time of all starts together.
        seconds_a_step: the median time of a training step.
        peak_memory: the most memory on a GPU, in GiB.
        nan_epoch: the first epoch in which a loss was NaN.
        cut_off: the JSON lines that are not whole, as 'file:line'.
        versions: the versions of Python and packages, and the GPUs, as logged.
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
    """Return the folders of the starts of a run, oldest first."""
    return sorted(p for p in Path(work_dir).glob('*') if START.search(p.name) and p.is_dir())


def read_log(work_dir: str | Path) -> Log:
    """Merge the logs of every start.

    If several starts validated the same epoch, the metrics of the last one count.

    Raises:
        OSError: a log cannot be read.
    """
    validations: dict[int, dict[str, float]] = {}
    test: dict[str, float] = {}
    training: list[dict] = []
    cut_off: list[str] = []
    hours, facts, nan_epoch = 0.0, {}, None
    # Starts are sorted by time, so that the newest overwrites what an older one said.
    for start in starts_of(work_dir):
        # scalars.json holds training and validation, <start>.json a test, and <start>.log the rest.
        scalars = start / 'vis_data' / 'scalars.json'
        if scalars.is_file():
            found = _read_scalars(scalars)
            for epoch, values in found.metrics:
                validations.setdefault(epoch, {}).update(values)
            training += found.training
            cut_off += [f'{start.name}/vis_data/scalars.json:{line}' for line in found.broken]
            nan_epoch = nan_epoch if nan_epoch is not None else found.nan_epoch
        tested = start / f'{start.name}.json'
        if tested.is_file():
            for entry in json_lines(tested):
                test.update(_metrics(entry))
        hours_here, head = _read_text(start / f'{start.name}.log')
        hours += hours_here
        facts.update(head)
    # The speed and the memory are over the training lines of all starts.
    times = [e['time'] for e in training if 'time' in e]
    memory = [e['memory'] for e in training if e.get('memory')]
    return Log(validations, test, _int(facts.pop('seed', None)), _int(facts.pop('gpus', None)),
               hours or None, statistics.median(times) if times else None,
               max(memory) / 1024 if memory else None, nan_epoch, tuple(cut_off), facts)


class _Scalars(NamedTuple):
    """The content of ``scalars.json``.

    Args:
        metrics: (epoch, metrics) of each validation.
        training: some of the training lines.
        broken: the numbers of the lines that are not whole.
        nan_epoch: the first epoch with a NaN in a loss, or None.
    """
    metrics: list[tuple[int, dict[str, float]]]
    training: list[dict]
    broken: list[int]
    nan_epoch: int | None


def _read_scalars(path: Path) -> _Scalars:
    lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    metrics, broken, nan_epoch, training = [], [], None, []
    # Most lines are of training. They are told apart by their text, since parsing them is slow.
    for number, line in enumerate(lines, 1):
        # A process that was killed while it wrote leaves a part of a line.
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
    some = training[::max(1, len(training) // TIMED)]  # parsing all of a long log takes seconds
    return _Scalars(metrics, [e for e in map(_json, some) if e], broken, nan_epoch)


def _epoch_of_nan_loss(entry: dict) -> int | None:
    # Under mixed precision, a gradient norm may be NaN for a step, but a loss may not.
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
    """Return the hours from the first line to the last, and the facts of the head."""
    if not path.is_file():
        return 0.0, {}
    # Logs are long, and both ends say enough.
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
    """Return the metrics of the last evaluation of a run, by logged names, e.g. ``coco/bbox_mAP``.

    Args:
        epoch: the epoch whose validation counts. None means the last validated epoch. The metrics
            of a test are added in both cases.

    Returns:
        The metrics, or an empty dict if nothing was evaluated.
    """
    log = read_log(work_dir)
    last = max(log.validations, default=0) if epoch is None else epoch
    return {**log.validations.get(last, {}), **log.test}


def json_lines(path: Path) -> list[dict]:
    """Return the dicts of a JSON-lines log, in order. Lines that are no whole dict are skipped."""
    lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    return [e for e in map(_json, lines) if e is not None]
