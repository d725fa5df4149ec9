"""The tables of a comparison, as text.

All formats are made from these tables, so that they show the same words and numbers.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..results.comparison import Cell, Column, Comparison, Contrast
from ..results.contrasts import ASSUMED_SD
from ..results.statistics import EQUIVALENT, Interval
from .paper_values import PAPER, published

MISSING = '–'
METRIC_NAMES = {'top1': 'top-1', 'AP': 'AP', 'AP50': 'AP50', 'AP75': 'AP75',
                'APs': 'AP S', 'APm': 'AP M', 'APl': 'AP L', 'VOC11': 'mAP (11 points)',
                'VOCarea': 'mAP (area)', 'mask AP': 'mask AP', 'mask AP50': 'mask AP50',
                'mask AP75': 'mask AP75', 'mask APs': 'mask AP S', 'mask APm': 'mask AP M',
                'mask APl': 'mask AP L'}


@dataclass(frozen=True)
class Table:
    """A table of text: ``rows`` under a ``header``. The first column holds names."""
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(comparison: Comparison) -> list[Table]:
    """Make all tables: one in the layout of the paper, the differences, and all metrics."""
    made = [main_table(comparison)]
    if comparison.contrasts:
        made.append(difference_table(comparison))
    if not comparison.is_classification:  # classifiers have a single metric
        made.append(metric_table(comparison))
    return made


def headline(comparison: Comparison) -> str:
    """Say in a sentence or two what was found: first what is decided, then what is not."""
    if not comparison.contrasts:
        return 'Nothing could be compared.'
    said = []
    for decided in (True, False):
        # Each row is named once per verdict, with all its columns.
        words: dict[tuple[str, str], list[str]] = {}
        for c in comparison.contrasts.values():
            if (c.verdict != 'undecided') == decided:
                found = f'{signed(c.difference)} in {c.column}'
                words.setdefault((c.row, c.verdict), []).append(found)
        listed = '; '.join(f'{row} {verdict if decided else ""}'.strip() + f' ({", ".join(found)})'
                           for (row, verdict), found in words.items())
        if listed:
            said.append(f'{"Decided" if decided else "Undecided"}: {listed}.')
    if not said[0].startswith('Decided'):
        said.insert(0, 'Nothing is decided.')
    return f'Against {comparison.baseline}, in points. {" ".join(said)}'


def main_table(comparison: Comparison) -> Table:
    """Make the table in the layout of the paper: a row per method, a column per model and set.

    Detectors have one more column, the top-1 of their pretraining. Below each row stands a row with
    the values of the paper, if it has any.
    """
    of_classes = comparison.is_classification
    digits = 2 if of_classes else 1
    rows = []
    for row in comparison.rows:
        cells = [comparison.cells.get((row, c.label)) for c in comparison.columns]
        top1 = () if of_classes else (number(top1_of(comparison, row)), )
        rows.append((row, *top1, *map(cell_text, cells)))
        theirs = [published(c.whole, c.detector, row) for c in comparison.columns]
        if any(v is not None for v in theirs):
            rows.append((f'{row}, {PAPER}', *([] if of_classes else [MISSING]),
                         *(number(v, digits) for v in theirs)))
    header = tuple(map(column_title, comparison.columns))
    if of_classes:
        return Table('Classification by method', ('Method', *header), tuple(rows))
    return Table('Detection by pretraining', ('Pretraining', 'top-1', *header), tuple(rows))


def difference_table(comparison: Comparison) -> Table:
    """Make the table of the differences from the baseline, one line per contrast."""
    rows = []
    for column in comparison.columns:
        for row in comparison.rows:
            contrast = comparison.contrasts.get((row, column.label))
            if contrast:
                # Classifiers have one kind of interval, since their images are not resampled.
                seeds = span(contrast.seed.interval())
                intervals = ((seeds, ) if comparison.is_classification else
                             (span(contrast.image), seeds, span(contrast.combined.interval())))
                rows.append((f'{row}, {column.label}', verdict_text(contrast),
                             signed(contrast.difference), *intervals, p_text(contrast.p_holm),
                             exact_text(contrast), improvement_text(contrast)))
    intervals = (('seeds 95 %', ) if comparison.is_classification else
                 ('images 95 %', 'seeds 95 %', 'both 95 %'))
    return Table(f'Difference from {comparison.baseline}, in points', (
        f'{_row_title(comparison)}, column', 'verdict', 'difference', *intervals, 'p (Holm)',
        'p exact', 'P(better)'), tuple(rows))


def _row_title(comparison: Comparison) -> str:
    return 'Method' if comparison.is_classification else 'Pretraining'


def metric_table(comparison: Comparison) -> Table:
    """Make the table of every metric of every cell, as means over its runs."""
    names = [n for n in METRIC_NAMES if any(n in c.metrics for c in comparison.cells.values())]
    rows = []
    for column in comparison.columns:
        for row in comparison.rows:
            cell = comparison.cells.get((row, column.label))
            if cell:
                rows.append((f'{row}, {column.label}', str(len(cell.runs)), *(
                    number(float(cell.metrics[n].mean())) if n in cell.metrics else MISSING
                    for n in names)))
    return Table('All metrics, means over runs', (
        f'{_row_title(comparison)}, column', 'runs', *(METRIC_NAMES[n] for n in names)),
                 tuple(rows))


def notes(comparison: Comparison) -> list[str]:
    """Return what a reader must know to trust the tables, one note per entry."""
    what = 'Top-1' if comparison.is_classification else 'COCO AP and VOC mAP'
    said = [f'{what} in percent; mean over runs [its 95 % interval over seeds], n runs.']
    # A note that is true of several columns is given once, with their names.
    of_columns: dict[str, list[str]] = {}
    for column in comparison.columns:
        for note in _notes_of_column(column, [c for (_, name), c in comparison.cells.items()
                                              if name == column.label]):
            of_columns.setdefault(note, []).append(column.label)
    said += [f'{"; ".join(labels)}: {note}' for note, labels in of_columns.items()]
    if comparison.epoch == 'best':
        said.append('The best epochs were chosen on the evaluation set itself, so these '
                    'numbers are optimistic.')
    if comparison.contrasts:
        said += _notes_of_contrasts(comparison)
    return said


def _notes_of_column(column: Column, cells: Sequence[Cell]) -> list[str]:
    # Whether the numbers may be compared with published ones.
    said = []
    if column.whole is None and column.is_classification:
        said.append("not one of the paper's sets: these numbers must not be compared with "
                    "the paper's.")
    elif column.whole is None:
        size = (f'{column.images} images, {len(column.classes)} classes' if column.images
                else 'a set whose annotations are not on this machine')
        said.append(f'{size}, which is not the whole standard set: these '
                    'numbers must not be compared with published ones.')
    chosen = [(c.row, one) for c in cells for r in c.runs
              if (one := r.config.learning_rate_choice)]
    if chosen:
        rates: dict[str, set[float]] = {}
        for row, one in chosen:
            rates.setdefault(row, set()).add(one.chosen or math.nan)
        one = chosen[0][1]
        said.append(
            f'learning rates were chosen among {_rates(one.rates)} on {100 * one.held_out:g} % of '
            'the training pictures, which were held out for this: '
            + '; '.join(f'{row} {_rates(sorted(found))}' for row, found in rates.items()) + '.')
        edge = {row for row, one in chosen if one.at_the_end}
        if edge:
            said.append('a learning rate at the end of the range was chosen, so one beyond it may '
                        f'be better: {", ".join(sorted(edge))}.')
    # How far the runs can be trusted: rounded metrics, unproved backbones, configs that differ.
    runs = [r for c in cells for r in c.runs]
    rounded = [one for c in cells for one in c.assessed
               if one.run.config.rounded and one.evaluation is None]
    if rounded:
        said.append(f'{len(rounded)} of {len(runs)} runs have only logged metrics, '
                    'rounded to 0.1 AP (set outfile_prefix to keep the detections).')
    if not all(r.origin.verified for r in runs):
        said.append(f'the backbone of {sum(not r.origin.verified for r in runs)} of '
                    f'{len(runs)} runs is unverified (no {"backbone.json"} of BackboneGuard).')
    for cell in cells:
        unlike = {r.origin.settings for r in cell.runs} - {None}
        if len(unlike) > 1:
            said.append(f'{cell.row} JOINS PRETRAININGS WHOSE SETTINGS DIFFER, in '
                        f'{len(unlike)} ways (the settings of their stamps).')
    if column.differs:
        said.append('COMPARES RUNS WHOSE CONFIGS DIFFER, in '
                    + ', '.join(f'{k} ({a!r}, {b!r})' for k, (a, b) in column.differs.items()))
    return said


def _rates(rates: Sequence[float]) -> str:
    return ', '.join(f'{rate:g}' for rate in rates)


def _notes_of_contrasts(comparison: Comparison) -> list[str]:
    # How to read the columns of the table of differences.
    contrasts = list(comparison.contrasts.values())
    family = [c for c in contrasts if c.p_holm is not None]
    said = [f'Family of contrasts: every pretraining except random weights against '
            f'{comparison.baseline}, in every column; p of {len(family)} adjusted by Holm.',
            'seeds: the variation between training runs, on this set (t). No interval includes '
            'the variation between test pictures.' if comparison.is_classification else
            'images: the variation between validation images, for exactly these runs '
            f'({comparison.resamples} exact resamples, the same for both models). seeds: the '
            'variation between training runs, on this set (t). both: the two combined.',
            'p exact: by permutation of the runs (≥ the smallest p that so few runs allow).',
            f'equivalent: within ±{EQUIVALENT} points at 5 %. P(better): the probability that a '
            'run of it is better than a run of the baseline [95 %]. undecided: the number of runs '
            'that would decide it with 80 % power, within the family.']
    # What the number of pretrainings or runs does not allow to claim.
    if any(c.unit == 'run' for c in contrasts):
        said.append('There is one pretraining run per row, and all its fine-tuning seeds start '
                    'from that one checkpoint, so these differences are between checkpoints. '
                    'Several pretraining runs are needed to show whether the method makes better '
                    'checkpoints.')
    if any(c.needed is not None and c.seed.standard_error is None for c in contrasts):
        said.append(f'If there is one run, the number of seeds needed assumes a spread of '
                    f'{ASSUMED_SD} points between seeds.')
    return said


def column_title(column: Column) -> str:
    """Return the title of a column: its set, detector and metric."""
    return f'{column.label}, {METRIC_NAMES[column.primary]}'


def top1_of(comparison: Comparison, row: str) -> float | None:
    """Return the mean top-1 (on ImageNet or another set) over the pretrainings of the row, or None.

    Only pretrainings whose top-1 is known count.
    """
    # Several runs share a pretraining, which counts once.
    origins = [run.origin for (name, _), cell in comparison.cells.items() if name == row
               for run in cell.runs]
    known = {o.pretraining: o.top1 for o in origins if o.top1 is not None}
    return sum(known.values()) / len(known) if known else None


def cell_text(cell: Cell | None) -> str:
    """Format a cell in percent, like '25.1 [24.6, 25.6] n=3'."""
    if cell is None:
        return MISSING
    interval = f' {span(cell.interval)}' if cell.interval else ''
    return f'{number(cell.mean)}{interval} n={len(cell.runs)}'


def verdict_text(contrast: Contrast) -> str:
    """Format the verdict. An undecided one names the number of runs that would settle it."""
    if contrast.needed is None:
        return contrast.verdict
    if contrast.needed.n is None:
        return f'{contrast.verdict}: {contrast.needed.reason}'
    return f'{contrast.verdict}: needs {contrast.needed.n} {contrast.unit}s each'


def exact_text(contrast: Contrast) -> str:
    """Format the exact p-value with the smallest one that is possible.

    With few seeds, the smallest possible p-value says more than "not significant".
    """
    if contrast.exact is None:
        return MISSING
    return f'{p_text(contrast.exact.p)} (≥ {p_text(contrast.exact.floor)})'


def improvement_text(contrast: Contrast) -> str:
    """Format the probability of improvement.

    It is left out for a single run on each side, where it would be 0 or 1.
    """
    if contrast.seed.n_a * contrast.seed.n_b == 1:
        return MISSING
    return f'{number(contrast.improvement.estimate)} {span(contrast.improvement.interval)}'


def number(value: float | None, digits: int = 2) -> str:
    """Format a number with a real minus sign, or '–' if there is none."""
    return MISSING if value is None or math.isnan(value) else _minus(f'{value:.{digits}f}')


def signed(value: float) -> str:
    """Format a number with its sign, even if it is positive."""
    return _minus(f'{value:+.2f}')


def _minus(text: str) -> str:
    return text.replace('-', '−')


def span(interval: Interval | None) -> str:
    """Format an interval like '[24.6, 25.6]', or '–' if there is none."""
    return MISSING if interval is None else f'[{number(interval.low)}, {number(interval.high)}]'


def p_text(p: float | None) -> str:
    """Format a p-value, as '<0.001' if it is smaller."""
    if p is None:
        return MISSING
    return f'{p:.3f}' if p >= 0.001 else '<0.001'
