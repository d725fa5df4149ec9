"""The rows and columns of the table: which runs may be compared, and which may not."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..runs.configs import STANDARD, difference
from ..runs.run import BASELINE, TOP1, Fault, Run
from .comparison import NAMES, Column

# (kind, images, classes) -> the standard set that has just as many
WHOLE: dict[tuple, str] = {('COCO', 5000, 80): 'COCO val2017', ('VOC', 4952, 20): 'VOC2007 test'}


def row_labels(runs: Sequence[Run]) -> dict[Path, str]:
    """Return the name of the row of each run, by the folder of the run.

    Torchvision trains its weights by another recipe, so they get a row of their own.
    """
    labels = {}
    for run in runs:
        name = NAMES.get(run.method, run.method)
        if run.verified and str(run.source).startswith('torchvision://'):
            name += ' (torchvision)'
        labels[run.folder] = name
    return labels


def baseline_row(rows: list[str], asked: str | None, faults: list[Fault]) -> str | None:
    """Return the row that the other rows are compared with.

    Args:
        asked: the name of the row or the beginning of the name, in upper or lower case. None means
            'baseline'.

    Returns:
        The row. It is None, and a fault is added, if no row or more than one row matches.
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
    faults.append(Fault(Path('--baseline'), f'{problem} among {listed}; name one with --baseline, '
                        'without it nothing is compared'))
    return None


def group_columns(runs: Sequence[Run], labels: Mapping[Path, str], baseline: str | None,
                  sets: Mapping, allow_different: bool,
                  faults: list[Fault]) -> tuple[list[Column], dict[Path, str]]:
    """Group runs into columns, by detector and set.

    Within such a group, the runs of one config that have a baseline of their own form a column of
    their own. Runs whose config has no baseline cannot be compared.

    Returns:
        A tuple (columns, labels). The labels are keyed by the folder of the run, and hold only runs
        that are in a column.
    """
    groups: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        groups[(run.kind, run.detector, run.primary, run.column or '')].append(run)
    columns: list[Column] = []
    of_run: dict[Path, str] = {}
    for (kind, detector, primary, named), members in sorted(groups.items(), key=lambda g: g[0]):
        clusters = _clusters(members)
        # Each config that has a baseline makes a column. Without any baseline, the config with most
        # runs makes the only column, so that its metrics are still shown.
        alone = [c for c in clusters if any(labels[r.folder] == baseline for r in c)]
        alone = alone or clusters[:1]
        for i, cluster in enumerate(alone):
            # The remaining runs are reported once, against the first column of the group.
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
    """Group runs whose configs differ in nothing but backbone and seed, the largest group first."""
    clusters: list[list[Run]] = []
    # The first run represents its cluster. Runs from random weights are compared without what is
    # frozen, so as first runs they would hide that difference between the others: they come last.
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
    """Return what tells this cluster from the others: the folder of the set, the name of the
    config, or a number."""
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
    # The runs of a column share their evaluation set, so any run that knows it speaks for all.
    known = [sets[r.folder] for r in runs if r.folder in sets]
    images, classes = known[0] if known else (None, ())
    whole = (kind if primary == TOP1 and kind in STANDARD.values() else
             WHOLE.get((kind, images, len(classes))))
    return Column(label, detector, kind, primary, whole, images, classes, differs)
