"""Compare the records of runs."""
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..metrics.evaluation import Evaluation
from ..runs.run import Fault, Run
from .columns import baseline_row, group_columns, row_labels
from .comparison import FROM_SCRATCH, Cell, Column, Comparison
from .contrasts import contrasts_with_baseline


def compare(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation],
            sets: Mapping[Path, tuple[int, tuple[str, ...]]], faults: Sequence[Fault] = (), *,
            baseline: str | None = None, allow_different: bool = False, resamples: int = 0,
            epoch: str = 'last', remark: str | None = None) -> Comparison:
    """Compare ``runs`` with the baseline.

    Args:
        evaluations: the evaluation of each run whose detections could be evaluated again, by the
            folder of the run.
        sets: (number of images, class names) of the evaluation set, by the folder of the run, where
            the set is known.
        baseline: the name of a row, or the beginning of a name. None means 'baseline'.
        allow_different: compare runs whose configs differ in more than backbone and seed.
        resamples: the number of resamples that ``evaluations`` hold, which the comparison keeps.
        epoch: which evaluation of each run counts, 'last' or 'best', which the comparison keeps.
        remark: a text to show above the tables.
    """
    faults = list(faults)
    # Rows: one per pretraining. The baseline is chosen among their names.
    runs = _without_duplicates(runs, faults)
    labels = row_labels(runs)
    chosen = baseline_row(sorted(set(labels.values())), baseline, faults) if runs else None
    # Columns: one per detector and set. Runs that may not be compared get none, and so no cell.
    columns, of_run = group_columns(runs, labels, chosen, sets, allow_different, faults)
    cells = _cells(runs, labels, columns, of_run, evaluations)
    rows = _order([run for run in runs if run.folder in of_run], labels, chosen)
    contrasts = contrasts_with_baseline(rows, columns, cells, chosen) if chosen else {}
    # An empty cell is listed, but it is no error.
    faults += [Fault(Path(f'{row}, {column.label}'), 'no finished run', bad=False)
               for row in rows for column in columns if (row, column.label) not in cells]
    return Comparison(tuple(rows), tuple(columns), cells, contrasts, chosen, tuple(faults),
                      resamples, epoch, allow_different, remark)


def _without_duplicates(runs: Sequence[Run], faults: list[Fault]) -> list[Run]:
    """Drop runs that repeat the seed of another run.

    Two runs with one seed are a single draw. The run that was started first counts (the rule of
    MLPerf).
    """
    seen: dict[tuple, Run] = {}
    for run in sorted(runs, key=lambda r: (r.started, str(r.folder))):
        key = (run.method, run.pretraining, run.detector, run.kind, run.dataset, run.seed,
               repr(sorted(run.config.items(), key=lambda kv: kv[0])))
        # A run whose seed is unknown repeats nothing: its own folder is its key.
        if run.seed is not None and key in seen:
            faults.append(Fault(run.folder, f'repeats seed {run.seed} of {seen[key].folder}; the '
                                            'one that was started first counts', bad=False))
        else:
            seen[key if run.seed is not None else (run.folder, )] = run
    return list(seen.values())


def _order(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None) -> list[str]:
    """Sort the rows: the baseline, then the others in the plan's order, random weights last."""
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
    # Evaluating again gives every digit, so it replaces the logged metrics of the same name.
    each = [{**run.metrics, **({k: float(v[0]) for k, v in e.overall.items()} if e else {})}
            for run, e in zip(runs, found)]
    # A cell has the metrics that all its runs have.
    names = [n for n in each[0] if all(n in metrics for metrics in each)]
    metrics = {n: np.array([_percent(m[n]) for m in each]) for n in names}
    return Cell(row, column, tuple(runs), {**metrics, 'primary': metrics[primary]}, found)


def _percent(value: float) -> float:
    return float('nan') if value < 0 else 100 * value  # COCO's -1: no such object
