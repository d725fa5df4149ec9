"""The rows and columns of the table: which runs may be compared, and which may not."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..runs.comparable import difference
from ..runs.run import BASELINE, MASK_AP, TOP1, Fault, Run
from ..runs.run_config import STANDARD
from .assess import AssessedRun
from .comparison import NAMES, Column

# (kind, images, classes) -> the standard set that has just as many
WHOLE: dict[tuple, str] = {('COCO', 5000, 80): 'COCO val2017', ('VOC', 4952, 20): 'VOC2007 test'}


class ColumnOfRuns(NamedTuple):
    """A column, and the runs in it, of all rows."""
    column: Column
    runs: list[AssessedRun]


def row_of(run: Run) -> str:
    """Return the name of the row of a run.

    Torchvision trains its weights by another recipe, so they get a row of their own.
    """
    name = NAMES.get(run.origin.method, run.origin.method)
    if run.origin.verified and str(run.origin.source).startswith('torchvision://'):
        name += ' (torchvision)'
    return name


def baseline_row(rows: Sequence[str], asked: str | None) -> str | Fault:
    """Return the row that the other rows are compared with.

    Args:
        asked: the name of the row or the beginning of the name, in upper or lower case. None means
            'baseline'.

    Returns:
        The row, or a fault if no row or more than one row matches.
    """
    wanted = (asked or BASELINE).lower()
    # A whole name goes before the beginning of a name: 'CutMix' also begins 'CutMix (per sample)'.
    found = [r for r in rows if r.lower() == wanted]
    found = found or [r for r in rows if r.lower().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ', '.join(repr(r) for r in (found or rows))
    problem = (f'{len(found)} baselines match {wanted!r}' if found else
               f'no baseline matches {wanted!r}' if asked else f'no baseline called {wanted!r}')
    return Fault(Path('--baseline'), f'{problem} among {listed}; name one with --baseline; '
                 'without a baseline, nothing is compared')


def group_columns(runs: Sequence[AssessedRun], baseline: str | None,
                  allow_different: bool) -> tuple[list[ColumnOfRuns], list[Fault]]:
    """Group runs into columns, by detector and set.

    Within such a group, the runs of one config that have a baseline of their own form a column of
    their own. Runs whose config has no baseline cannot be compared: each is a fault.
    """
    groups: dict[tuple, list[AssessedRun]] = defaultdict(list)
    for one in runs:
        config = one.run.config
        groups[config.kind, config.model, one.run.primary, config.column or ''].append(one)
    columns: list[ColumnOfRuns] = []
    faults: list[Fault] = []
    for (kind, detector, primary, named), members in sorted(groups.items(), key=lambda g: g[0]):
        clusters = _clusters(members)
        # Each config that has a baseline makes a column. Without any baseline, the config with most
        # runs makes the only column, so that its metrics are still shown.
        alone = [c for c in clusters if any(row_of(one.run) == baseline for one in c)]
        alone = alone or clusters[:1]
        for i, cluster in enumerate(alone):
            # The remaining runs are reported once, against the first column of the group.
            strays = [c for c in clusters if c not in alone] if i == 0 else []
            label = named or f'{kind} {detector}' + (' masks' if primary == MASK_AP else '')
            if len(alone) > 1:
                label += f' ({_distinct(cluster, alone)})'
            differs: dict = {}
            for stray in strays:
                found = _differ(cluster, stray)
                # Runs that are measured by boxes and by masks are refused once.
                if stray[0].run.folder not in {fault.folder for fault in faults}:
                    faults.append(_refusal(label, cluster, stray, found, allow_different))
                if allow_different:
                    differs.update(found)
                    cluster = cluster + stray
            columns.append(ColumnOfRuns(_column(label, cluster, differs), cluster))
    return columns, faults


def _clusters(runs: Sequence[AssessedRun]) -> list[list[AssessedRun]]:
    """Group runs whose configs differ in nothing but backbone and seed, the largest group first."""
    clusters: list[list[AssessedRun]] = []
    # The first run represents its cluster. Runs from random weights are compared without what is
    # frozen, so as first runs they would hide that difference between the others: they come last.
    for one in sorted(runs, key=lambda one: one.run.from_scratch):
        for cluster in clusters:
            if not _differ(cluster, [one]):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    return sorted(clusters, key=len, reverse=True)


def _differ(cluster: Sequence[AssessedRun],
            other: Sequence[AssessedRun]) -> dict[str, tuple[Any, Any]]:
    a, b = cluster[0], other[0]
    return difference(a.settings, b.settings, a.run.from_scratch or b.run.from_scratch)


def _distinct(cluster: Sequence[AssessedRun], clusters: Sequence[Sequence[AssessedRun]]) -> str:
    """Return what tells this cluster from the others: the folder of the set, the name of the
    config, or a number."""
    for name in ('dataset', 'name'):
        names = [getattr(c[0].run.config, name) for c in clusters]
        if len(set(names)) == len(names):
            return getattr(cluster[0].run.config, name)
    return f'config {clusters.index(cluster) + 1}'


def _refusal(label: str, cluster: Sequence[AssessedRun], stray: Sequence[AssessedRun],
             found: Mapping[str, tuple[Any, Any]], allowed: bool) -> Fault:
    shown = '; '.join(f'{k}: {_value(a)} there, {_value(b)} here'
                      for k, (a, b) in list(found.items())[:4])
    more = f' and {len(found) - 4} more' if len(found) > 4 else ''
    others = f' (and {len(stray) - 1} more)' if len(stray) > 1 else ''
    end = ('compared anyway, as --allow-different asks' if allowed else
           'not compared; --allow-different compares it anyway, and marks the table')
    return Fault(stray[0].run.folder, f'differs from the other runs of {label}, e.g. '
                 f'{cluster[0].run.folder.name}{others}: {shown}{more}; {end}', bad=not allowed)


def _value(value: Any) -> str:
    return 'nothing' if value is None else repr(value)


def _column(label: str, runs: Sequence[AssessedRun], differs: dict) -> Column:
    config, primary = runs[0].run.config, runs[0].run.primary
    # The runs of a column share their evaluation set, so any run that knows it speaks for all.
    truth = next((one.truth for one in runs if one.truth), None)
    images = len(truth.image_ids) if truth else None
    classes = tuple(truth.class_names) if truth else ()
    whole = (config.kind if primary == TOP1 and config.kind in STANDARD.values() else
             WHOLE.get((config.kind, images, len(classes))))
    return Column(label, config.model, config.kind, primary, whole, images, classes, differs)
