"""The report ``report.html``, one file with everything in it that opens without a network."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..files import write_text
from ..results.comparison import Comparison
from ..runs.comparable import EVALUATION_SET
from ..runs.run import Run
from .detection_pictures import RULE, Panel, data_uri, examples
from .figures import (
    Plot,
    class_plots,
    curve_plots,
    forest_plots,
    point_plots,
    size_plots,
    top1_plots,
)
from .table import MISSING, Table, headline, notes, number, signed, tables, verdict_text

TEMPLATES = Environment(loader=PackageLoader('mmresizemix.report'), trim_blocks=True,
                        lstrip_blocks=True, autoescape=True, undefined=StrictUndefined)
EXPLORATORY = ('Exploratory: no claim is made from these plots. The 95 % intervals are over images '
               'and seeds together, or over images alone if there is one run.')
MIXES = 'mixed-by-*.png'  # drawn by tools/show_mix.py


@dataclass(frozen=True)
class PlotSection:
    """Plots under one heading, with a note that explains them."""
    anchor: str
    title: str
    note: str
    plots: tuple[Plot, ...]


def write_report(path: str | Path, comparison: Comparison,
                 searched: Sequence[str | Path] = ()) -> Path:
    """Write the report to ``path``.

    Args:
        searched: the folders that are searched for pictures of mixed batches.
    """
    shown = tables(comparison)
    page = TEMPLATES.get_template('report.html.j2').render(
        title='Which method makes the better classifier?' if comparison.is_classification else
        'Which pretraining makes the better detector?',
        headline=headline(comparison), summary=_summary(comparison), main=shown[0],
        others=shown[1:], notes=notes(comparison),
        sections=[s for s in _sections(comparison) if s.plots],
        examples=examples(comparison), example_rule=RULE, mixes=_mixes(searched),
        provenance=_provenance(comparison), settings=_settings(comparison),
        faults=comparison.faults, svg=Markup)
    return write_text(path, page)


def _summary(comparison: Comparison) -> list[str]:
    """Return the remark and the verdicts, one sentence per contrast."""
    said = [comparison.remark] if comparison.remark else []
    if not comparison.contrasts:
        return [*said, 'What was left out is listed below.']
    return said + [f'{c.row} against {comparison.baseline}, {c.column}: '
                   f'{signed(c.difference)} points, '
            f'{verdict_text(c)}.' for c in comparison.contrasts.values()]


def _sections(comparison: Comparison) -> list[PlotSection]:
    lines = ('line: its 95 % interval over seeds.' if comparison.is_classification else
             'lines: its 95 % interval over validation images, over seeds, and over both.')
    kinds = [
        ('differences', 'Differences', f'Grey band: equivalent. Dot: the difference; {lines}',
         forest_plots),
        ('runs', 'Every run', 'Dots: runs; bar: their mean; line: its 95 % interval over seeds.',
         point_plots),
        ('epochs', 'By epoch', 'Band: from the lowest to the highest run.', curve_plots),
        ('sizes', 'By IoU and object size', EXPLORATORY, size_plots),
        ('classes', 'By class', f'{EXPLORATORY} * marks a false discovery rate below 5 % among the '
         'classes of one plot.', class_plots),
        ('top1', 'Against top-1', 'Accuracy in classification and AP in detection need not agree.',
         top1_plots)]
    return [PlotSection(anchor, title, note, tuple(make(comparison)))
            for anchor, title, note, make in kinds]


def _mixes(searched: Sequence[str | Path]) -> list[Panel]:
    # The pictures go into the page itself, since the report is one file.
    found = sorted(p for folder in searched for p in Path(folder).glob(MIXES))
    return [Panel(p.stem.replace('-', ' '), data_uri(p.read_bytes(), 'png'),
                  f'a batch {p.stem.replace("-", " ")}: targets, sources, mixed')
            for p in dict.fromkeys(found)]


def _settings(comparison: Comparison) -> list[tuple[str, str]]:
    evaluation = [] if comparison.is_classification else [
        ('COCO AP', 'matched by pycocotools, IoU 0.50:0.95, at most 100 detections per image '
         'and class, 101 recalls'),
        ('VOC mAP', "IoU 0.5 by VOC's rule (sides inclusive, difficult objects ignored), by 11 "
         'points (VOC2007) and by area (VOC2012)'),
        ('Resamples of images', str(comparison.resamples))]
    return [
        *evaluation, ('Epoch', comparison.epoch),
        ('Baseline', comparison.baseline or 'none'),
        ('Runs with differing configs', 'compared, as --allow-different asks'
         if comparison.allow_different else 'refused')]


def _provenance(comparison: Comparison) -> Table:
    header = ('run', 'pretraining', 'column', 'backbone digest', 'seed', 'epoch', 'config',
              'evaluated', 'set digest', 'hours', 'images/s', 'GiB', 'versions')
    rows = []
    for (row, column), cell in sorted(comparison.cells.items()):
        for one in cell.assessed:
            run, its = one.run, one.run.provenance
            again = 'from its detections' if one.evaluation else 'as logged'
            rows.append((str(run.folder), row, column, _digest(run), _text(run.seed),
                         str(run.epoch), run.config.name, again,
                         one.settings.get(EVALUATION_SET, MISSING), number(its.hours),
                         number(its.images_per_second, 1), number(its.peak_memory),
                         ', '.join(f'{k} {v}' for k, v in sorted(its.versions.items()))))
    return Table('Where every number comes from', header, tuple(rows))


def _digest(run: Run) -> str:
    if not run.origin.verified:
        return 'unverified'
    return (run.origin.pretraining or 'random weights')[:14]


def _text(value: int | None) -> str:
    return MISSING if value is None else str(value)
