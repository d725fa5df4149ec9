"""Records of runs -> a comparison."""
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .columns import baseline_row, group_columns, row_labels
from .comparison import FROM_SCRATCH, Cell, Column, Comparison
from .contrasts import contrasts_with_baseline
from .evaluation import Evaluation
from .run import Fault, Run


def compare(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation],
            sets: Mapping[Path, tuple[int, tuple[str, ...]]], faults: Sequence[Fault] = (), *,
            baseline: str | None = None, allow_different: bool = False, resamples: int = 0,
            epoch: str = 'last', remark: str | None = None) -> Comparison:
    """Compare ``runs`` with the baseline.

    Args:
        evaluations: by a run's folder, where its detections could be evaluated again.
        sets: by a run's folder, (images, class names) of its evaluation set, where known.
        baseline: a row, by name; None: the only one whose method is 'baseline'.
        allow_different: compare runs whose configs differ in more than backbone and seed.
        remark: to stand above the tables.
    """
    faults = list(faults)
    runs = _without_duplicates(runs, faults)
    labels = row_labels(runs)
    chosen = baseline_row(sorted(set(labels.values())), baseline, faults) if runs else None
    columns, of_run = group_columns(runs, labels, chosen, sets, allow_different, faults)
    cells = _cells(runs, labels, columns, of_run, evaluations)
    rows = _order([run for run in runs if run.folder in of_run], labels, chosen)
    contrasts = contrasts_with_baseline(rows, columns, cells, chosen) if chosen else {}
    faults += [Fault(Path(f'{row}, {column.label}'), 'no finished run', bad=False)
               for row in rows for column in columns if (row, column.label) not in cells]
    return Comparison(tuple(rows), tuple(columns), cells, contrasts, chosen, tuple(faults),
                      resamples, epoch, allow_different, remark)


def _without_duplicates(runs: Sequence[Run], faults: list[Fault]) -> list[Run]:
    """Two runs of one seed are one draw: the first that was started counts (MLPerf's rule)."""
    seen: dict[tuple, Run] = {}
    for run in sorted(runs, key=lambda r: (r.started, str(r.folder))):
        key = (run.method, run.pretraining, run.detector, run.kind, run.dataset, run.seed,
               repr(sorted(run.config.items(), key=lambda kv: kv[0])))
        if run.seed is not None and key in seen:
            faults.append(Fault(run.folder, f'repeats seed {run.seed} of {seen[key].folder}; the '
                                            'one that was started first counts', bad=False))
        else:
            seen[key if run.seed is not None else (run.folder, )] = run
    return list(seen.values())


def _order(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None) -> list[str]:
    """The baseline, then the others as a plan has them, random weights last."""
    places = {labels[run.folder]: math.inf if run.place is None else run.place for run in runs}
    return sorted(places, key=lambda r: (r != baseline, r in FROM_SCRATCH, places[r], r.lower()))


def _cells(runs: Sequence[Run], labels: Mapping[Path, str], columns: Sequence[Column],
           of_run: Mapping[Path, str], evaluations: Mapping[Path, Evaluation]
           ) -> dict[tuple[str, str], Cell]:
    members: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if run.folder in of_run:
            members[labels[run.folder], of_run[run.folder]].append(run)
    primary = {column.label: column.primary for column in columns}
    return {key: _cell(*key, sorted(found, key=_by_seed), evaluations, primary[key[1]])
            for key, found in members.items()}


def _by_seed(run: Run) -> tuple:
    return (str(run.pretraining), run.seed is None, run.seed or 0, str(run.folder))


def _cell(row: str, column: str, runs: Sequence[Run], evaluations: Mapping[Path, Evaluation],
          primary: str) -> Cell:
    found = tuple(evaluations.get(run.folder) for run in runs)
    each = [{**run.metrics, **({k: float(v[0]) for k, v in e.overall.items()} if e else {})}
            for run, e in zip(runs, found)]
    names = [n for n in each[0] if all(n in metrics for metrics in each)]
    metrics = {n: np.array([_percent(m[n]) for m in each]) for n in names}
    return Cell(row, column, tuple(runs), {**metrics, 'primary': metrics[primary]}, found)


def _percent(value: float) -> float:
    return float('nan') if value < 0 else 100 * value  # COCO's -1: no such object
