"""Runs -> the rows and columns of the table: what may stand side by side, and what may not."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .comparison import NAMES, Column
from .configs import STANDARD, difference
from .run import BASELINE, TOP1, Fault, Run

WHOLE: dict[tuple, str] = {('COCO', 5000, 80): 'COCO val2017', ('VOC', 4952, 20): 'VOC2007 test'}


def row_labels(runs: Sequence[Run]) -> dict[Path, str]:
    """By folder. Torchvision's weights are a recipe of their own, and so a row of their own."""
    labels = {}
    for run in runs:
        name = NAMES.get(run.method, run.method)
        if run.verified and str(run.source).startswith('torchvision://'):
            name += ' (torchvision)'
        labels[run.folder] = name
    return labels


def baseline_row(rows: list[str], asked: str | None, faults: list[Fault]) -> str | None:
    """The row that others are compared with, by name or the beginning of one; None, with a fault,
    where that is not one row."""
    wanted = (asked or BASELINE).lower()
    found = [r for r in rows if r.lower() == wanted]
    found = found or [r for r in rows if r.lower().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ', '.join(repr(r) for r in (found or rows))
    problem = (f'{len(found)} baselines match {wanted!r}' if found else
               f'no baseline matches {wanted!r}' if asked else f'no baseline called {wanted!r}')
    faults.append(Fault(Path('--baseline'), f'{problem} among {listed}; name one with --baseline, '
                        'without it nothing is compared'))
    return None


def group_columns(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None,
                  sets: Mapping, allow_different: bool,
                  faults: list[Fault]) -> tuple[list[Column], dict[Path, str]]:
    """Group by (detector, set); within that, runs of one config that have their own baseline
    stand apart, and those that have none cannot be compared.

    Returns:
        (the columns; by a run's folder, the label of its column, where it has one).
    """
    groups: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        groups[(run.kind, run.detector, run.primary, run.column or '')].append(run)
    columns: list[Column] = []
    of_run: dict[Path, str] = {}
    for (kind, detector, primary, named), members in sorted(groups.items(), key=lambda g: g[0]):
        clusters = _clusters(members)
        alone = [c for c in clusters if any(labels[r.folder] == baseline for r in c)]
        alone = alone or clusters[:1]
        for i, cluster in enumerate(alone):
            strays = [c for c in clusters if c not in alone] if i == 0 else []
            label = named or f'{kind} {detector}'
            if len(alone) > 1:
                label += f' ({_distinct(cluster, alone)})'
            differs: dict = {}
            for stray in strays:
                found = _differ(cluster, stray)
                faults.append(_refusal(label, cluster, stray, found, allow_different))
                if allow_different:
                    differs.update(found)
                    cluster = cluster + stray
            columns.append(_column(label, detector, kind, primary, cluster, sets, differs))
            of_run.update({run.folder: label for run in cluster})
    return columns, of_run


def _clusters(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs whose configs differ in nothing but backbone and seed, the largest first."""
    clusters: list[list[Run]] = []
    for run in sorted(runs, key=lambda r: r.from_scratch):
        for cluster in clusters:
            if not _differ(cluster, [run]):
                cluster.append(run)
                break
        else:
            clusters.append([run])
    return sorted(clusters, key=len, reverse=True)


def _differ(cluster: Sequence[Run], other: Sequence[Run]) -> dict[str, tuple[Any, Any]]:
    a, b = cluster[0], other[0]
    return difference(a.config, b.config, a.from_scratch or b.from_scratch)


def _distinct(cluster: Sequence[Run], clusters: Sequence[Sequence[Run]]) -> str:
    """What tells this cluster from the others: the set's folder, the config's name, or a count."""
    for name in ('dataset', 'config_name'):
        names = [getattr(c[0], name) for c in clusters]
        if len(set(names)) == len(names):
            return getattr(cluster[0], name)
    return f'config {clusters.index(cluster) + 1}'


def _refusal(label: str, cluster: Sequence[Run], stray: Sequence[Run],
             found: Mapping[str, tuple[Any, Any]], allowed: bool) -> Fault:
    shown = '; '.join(f'{k}: {_value(a)} there, {_value(b)} here'
                      for k, (a, b) in list(found.items())[:4])
    more = f' and {len(found) - 4} more' if len(found) > 4 else ''
    others = f' (and {len(stray) - 1} more)' if len(stray) > 1 else ''
    end = ('compared all the same, on your word' if allowed else
           'not compared; --allow-different does, and marks the table')
    return Fault(stray[0].folder, f'differs from the other runs of {label}, e.g. '
                 f'{cluster[0].folder.name}{others}: {shown}{more}; {end}', bad=not allowed)


def _value(value: Any) -> str:
    return 'nothing' if value is None else repr(value)


def _column(label: str, detector: str, kind: str, primary: str, runs: Sequence[Run],
            sets: Mapping, differs: dict) -> Column:
    known = [sets[r.folder] for r in runs if r.folder in sets]
    images, classes = known[0] if known else (None, ())
    whole = (kind if primary == TOP1 and kind in STANDARD.values() else
             WHOLE.get((kind, images, len(classes))))
    return Column(label, detector, kind, primary, whole, images, classes, differs)
