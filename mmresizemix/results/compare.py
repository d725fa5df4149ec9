"""Compare the records of runs."""
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..runs.run import Fault, Run
from .assess import AssessedRun
from .columns import ColumnOfRuns, baseline_row, group_columns, row_of
from .comparison import FROM_SCRATCH, Cell, Comparison
from .contrasts import contrasts_with_baseline


def compare(runs: Sequence[AssessedRun], faults: Sequence[Fault] = (), *,
            baseline: str | None = None, allow_different: bool = False, resamples: int = 0,
            epoch: str = 'last', remark: str | None = None) -> Comparison:
    """Compare ``runs`` with the baseline.

    Args:
        faults: what was wrong with folders that are not among ``runs``, for the list of faults.
        baseline: the name of a row, or the beginning of a name. None means 'baseline'.
        allow_different: compare runs whose configs differ in more than backbone and seed.
        resamples: the number of resamples in the evaluations, which the comparison keeps.
        epoch: which evaluation of each run counts, 'last' or 'best', which the comparison keeps.
        remark: a text to show above the tables.
    """
    # Two runs with one seed are a single draw.
    kept, repeated = _without_repeated_seeds(runs)
    kept = [view for one in kept for view in one.by_boxes_and_masks()]
    # Rows: one per pretraining. The baseline is one of them.
    found = baseline_row(sorted({row_of(one.run) for one in kept}), baseline) if kept else None
    chosen, unknown = (None, [found]) if isinstance(found, Fault) else (found, [])
    # Columns: one per detector and set. Runs that may not be compared are in none.
    columns, refused = group_columns(kept, chosen, allow_different)
    rows = _order([one.run for column in columns for one in column.runs], chosen)
    cells = {(cell.row, cell.column): cell for column in columns for cell in _cells(column)}
    contrasts = contrasts_with_baseline(rows, [c.column for c in columns], cells,
                                        chosen) if chosen else {}
    # An empty cell is listed, but it is no error.
    empty = [Fault(Path(f'{row}, {column.label}'), 'no finished run', bad=False)
             for row in rows for column, _ in columns if (row, column.label) not in cells]
    wrong = [one.fault for one in runs if one.fault]
    return Comparison(
        rows=tuple(rows), columns=tuple(c.column for c in columns), cells=cells,
        contrasts=contrasts, baseline=chosen,
        faults=(*faults, *wrong, *repeated, *unknown, *refused, *empty),
        resamples=resamples, epoch=epoch, allow_different=allow_different, remark=remark)


def _without_repeated_seeds(
        runs: Sequence[AssessedRun]) -> tuple[list[AssessedRun], list[Fault]]:
    """Drop runs that repeat the seed of another run; each is a fault.

    The run that was started first counts (the rule of MLPerf).
    """
    seen: dict[tuple, AssessedRun] = {}
    faults = []
    for one in sorted(runs, key=lambda one: (one.run.provenance.started, str(one.run.folder))):
        run = one.run
        key: tuple = (run.origin.method, run.origin.pretraining, run.config.model, run.config.kind,
               run.config.dataset, run.seed, repr(sorted(one.settings.items())))
        # A run whose seed is unknown repeats nothing: its own folder is its key.
        if run.seed is None:
            key = (run.folder, )
        if key in seen:
            faults.append(Fault(run.folder, f'repeats seed {run.seed} of {seen[key].run.folder}; '
                                'the one that was started first counts', bad=False))
        else:
            seen[key] = one
    return list(seen.values()), faults


def _order(runs: Sequence[Run], baseline: str | None) -> list[str]:
    """Sort the rows: the baseline, then the others in the plan's order, random weights last."""
    places = {row_of(run): math.inf if run.config.place is None else run.config.place
              for run in runs}
    return sorted(places, key=lambda r: (r != baseline, r in FROM_SCRATCH, places[r], r.lower()))


def _cells(column: ColumnOfRuns) -> list[Cell]:
    rows: dict[str, list[AssessedRun]] = defaultdict(list)
    for one in column.runs:
        rows[row_of(one.run)].append(one)
    return [_cell(row, column, sorted(found, key=_by_seed)) for row, found in rows.items()]


def _by_seed(one: AssessedRun) -> tuple:
    run = one.run
    return (str(run.origin.pretraining), run.seed is None, run.seed or 0, str(run.folder))


def _cell(row: str, column: ColumnOfRuns, runs: Sequence[AssessedRun]) -> Cell:
    each = [one.metrics for one in runs]
    # A cell has the metrics that all its runs have.
    names = [n for n in each[0] if all(n in metrics for metrics in each)]
    metrics = {n: np.array([_percent(m[n]) for m in each]) for n in names}
    return Cell(row, column.column.label, column.column.primary, metrics, tuple(runs))


def _percent(value: float) -> float:
    return float('nan') if value < 0 else 100 * value  # COCO's -1: no such object
