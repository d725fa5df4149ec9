"""Plots of a comparison, as SVG text that takes the colours of its page: light, dark or print."""
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from ..console.text import printable
from ..results.comparison import FROM_SCRATCH, Column, Comparison, Contrast, Exploratory
from ..results.statistics import EQUIVALENT, Interval
from .table import METRIC_NAMES, number, signed, span, top1_of, verdict_text

INK = '#010203'  # a colour that nothing else uses; _inline replaces it by the page's text colour
COLOURS = ('#d55e00', '#2f8fce', '#009e73', '#cc79a7', '#b39b00')
BASELINE_COLOUR = '#888888'
WIDTH = 5.2  # inches; narrow, so that a phone shows the whole plot
STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none', 'svg.hashsalt': 'mmresizemix', 'font.size': 10,
    'font.family': 'sans-serif',
    'text.color': INK, 'axes.edgecolor': INK, 'axes.labelcolor': INK, 'xtick.color': INK,
    'ytick.color': INK, 'axes.spines.top': False, 'axes.spines.right': False,
    'legend.frameon': False, 'text.parse_math': False}  # a name may have a $


@dataclass(frozen=True)
class Plot:
    """A plot: ``svg`` to put into a page, and ``text`` that says the same to readers who cannot see
    it."""
    title: str
    svg: str
    text: str


def forest_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per column, the difference of each pretraining from the baseline, with intervals."""
    return [plot for column in comparison.columns
            if (plot := _forest(comparison, column)) is not None]


def _forest(comparison: Comparison, column: Column) -> Plot | None:
    contrasts = [comparison.contrasts[row, column.label] for row in comparison.rows
                 if (row, column.label) in comparison.contrasts]
    if not contrasts:
        return None
    kinds: list[tuple[str, Callable[[Contrast], Interval | None], str]] = [
        ('images', lambda c: c.image, '#2f8fce'), ('seeds', lambda c: c.seed.interval(), '#009e73'),
        ('both', lambda c: c.combined.interval(), '#d55e00')]
    # The images of classifiers are not resampled, so 'both' would be equal to 'seeds'.
    if comparison.is_classification:
        kinds = kinds[1:2]

    def draw(axes: Axes) -> None:
        # The band of differences that count as equivalent, and the line of no difference.
        axes.axvspan(-EQUIVALENT, EQUIVALENT, color='#888888', alpha=0.25, lw=0)
        axes.axvline(0, color=INK, lw=0.8)
        # One line per kind of interval, side by side in the row of each contrast.
        for k, (name, interval_of, colour) in enumerate(kinds):
            for i, contrast in enumerate(contrasts):
                interval = interval_of(contrast)
                if interval:
                    y = i + (k - len(kinds) // 2) * 0.2
                    # A second label of the same name would repeat the entry of the legend.
                    axes.plot([interval.low, interval.high], [y, y], color=colour, lw=2.5,
                              label=f'{name} 95 %' if not axes.get_legend_handles_labels()[1].count(
                                  f'{name} 95 %') else None)
        axes.plot([c.difference for c in contrasts], range(len(contrasts)), 'o', color=INK, ms=5)
        _names(axes, [c.row for c in contrasts])
        axes.set_xlabel(f'difference from {comparison.baseline}, points')
        _legend(axes)

    said = [f'{c.row}: {signed(c.difference)}, {kinds[-1][0]} 95 % '
            f'{span(c.combined.interval())}, {verdict_text(c)}' for c in contrasts]
    return _plot(f'{column.label}: difference from {comparison.baseline}', draw,
                 1.3 + 0.55 * len(contrasts), '; '.join(said))


def point_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per column, every run of every pretraining, their mean and its interval."""
    plots = []
    for column in comparison.columns:
        cells = comparison.cells_of(column)

        # Default arguments keep the cells of this turn of the loop, here and below.
        def draw(axes: Axes, cells: Any = cells, column: Any = column) -> None:
            for i, cell in enumerate(cells):
                colour = _colour(comparison, cell.row)
                # From back to front: the interval, the mean, the runs.
                if cell.interval:
                    axes.plot([cell.interval.low, cell.interval.high], [i, i], color=colour, lw=1.5,
                              alpha=0.6)
                axes.plot([cell.mean] * 2, [i - 0.25, i + 0.25], color=INK, lw=1.5)
                axes.plot(cell.values, [i] * len(cell.values), 'o', color=colour, ms=5)
            _names(axes, [c.row for c in cells])
            axes.set_xlabel(METRIC_NAMES[column.primary])

        said = [f'{c.row}: {", ".join(map(number, c.values))}' for c in cells]
        plots.append(_plot(f'{column.label}: every run', draw, 0.9 + 0.4 * len(cells),
                           '; '.join(said)))
    return plots


def curve_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per column, the primary metric against the epoch, with the spread over runs."""
    plots = []
    for column in comparison.columns:
        cells = comparison.cells_of(column)
        # A single epoch makes no curve.
        if not any(len(r.curve) > 1 for c in cells for r in c.runs):
            continue

        def draw(axes: Axes, cells: Any = cells, column: Any = column) -> None:
            for cell in cells:
                # The mean is over the epochs that every run of the cell has evaluated.
                epochs = sorted(set.intersection(*(set(r.curve) for r in cell.runs)))
                each = 100 * np.array([[r.curve[e] for e in epochs] for r in cell.runs])
                colour = _colour(comparison, cell.row)
                axes.plot(epochs, each.mean(0), '-o', ms=3, color=colour, label=cell.row)
                axes.fill_between(epochs, each.min(0), each.max(0), color=colour, alpha=0.25, lw=0)
            axes.set_xlabel('epoch')
            axes.set_ylabel(METRIC_NAMES[column.primary])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            _legend(axes)

        said = [f'{c.row}: {number(c.mean)} after {c.runs[0].epoch} epochs' for c in cells]
        plots.append(_plot(f'{column.label}: by epoch', draw, 3.2,
                           '; '.join(said)))
    return plots


def size_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per column, the differences by IoU threshold and by object size."""
    plots = []
    for column in comparison.columns:
        contrasts = [c for (_, name), c in comparison.contrasts.items()
                     if name == column.label and c.by_size]
        if contrasts:
            # The runs of a column share a set, so that all contrasts have the same metrics.
            names = [e.name for e in contrasts[0].by_size]

            def draw(axes: Axes, contrasts: Any = contrasts, names: Any = names) -> None:
                axes.axvline(0, color=INK, lw=0.8)
                for k, contrast in enumerate(contrasts):
                    # Contrasts share a row per metric, spread over 0.8 of its height.
                    offset = (k - (len(contrasts) - 1) / 2) * 0.8 / max(len(contrasts), 2)
                    _whiskers(axes, contrast.by_size, offset, _colour(comparison, contrast.row),
                              contrast.row)
                _names(axes, [METRIC_NAMES[n] for n in names])
                axes.set_xlabel(f'difference from {comparison.baseline}, points')
                _legend(axes)

            said = [f'{c.row}: ' + ', '.join(f'{METRIC_NAMES[e.name]} {signed(e.difference)}'
                                             for e in c.by_size) for c in contrasts]
            plots.append(_plot(f'{column.label}: by IoU and size', draw, 3.2, '; '.join(said)))
    return plots


def class_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per contrast, the classes in the order of their difference, to see which gained."""
    plots = []
    for contrast in comparison.contrasts.values():
        # Random weights are no pretraining, so their classes say nothing about a method.
        if not contrast.by_class or contrast.row in FROM_SCRATCH:
            continue
        ordered = sorted(contrast.by_class, key=lambda e: (-e.difference, e.name))

        def draw(axes: Axes, ordered: Any = ordered, contrast: Any = contrast) -> None:
            axes.axvline(0, color=INK, lw=0.8)
            _whiskers(axes, ordered, 0, _colour(comparison, contrast.row), None)
            _names(axes, [e.name + (' *' if e.q is not None and e.q < 0.05 else '')
                          for e in ordered])
            axes.set_xlabel(f'difference from {comparison.baseline}, points')

        said = ', '.join(f'{e.name} {signed(e.difference)}' for e in ordered)
        plots.append(_plot(f'{contrast.row}, {contrast.column}: by class', draw,
                           0.9 + 0.21 * len(ordered), said))
    return plots


def top1_plots(comparison: Comparison) -> list[Plot]:
    """Plot, per column, detection against the top-1 of the pretraining. The two need not agree."""
    top1 = {row: value for row in comparison.rows
            if (value := top1_of(comparison, row)) is not None}
    plots = []
    for column in comparison.columns:
        cells = [cell for cell in comparison.cells_of(column) if cell.row in top1]
        # A single pretraining shows no relation.
        if len(cells) < 2:
            continue

        def draw(axes: Axes, cells: Any = cells, column: Any = column) -> None:
            for cell in cells:
                colour = _colour(comparison, cell.row)
                # Small dots are the runs, and the large one is their mean.
                axes.plot([top1[cell.row]] * len(cell.values), cell.values, '.', color=colour,
                          alpha=0.6)
                axes.plot(top1[cell.row], cell.mean, 'o', color=colour, label=cell.row)
            axes.margins(0.15)
            axes.set_xlabel('top-1 of the pretraining, %')
            axes.set_ylabel(METRIC_NAMES[column.primary])
            _legend(axes)

        said = [f'{c.row}: top-1 {number(top1[c.row])}, {number(c.mean)}' for c in cells]
        plots.append(_plot(f'{column.label} against top-1', draw, 3.0, '; '.join(said)))
    return plots


def _whiskers(axes: Axes, found: Sequence[Exploratory], offset: float, colour: str,
              label: str | None) -> None:
    for i, one in enumerate(found):
        if one.interval:
            axes.plot([one.interval.low, one.interval.high], [i + offset] * 2, color=colour, lw=1.5,
                      alpha=0.6)
    axes.plot([e.difference for e in found], np.arange(len(found)) + offset, 'o', color=colour,
              ms=4, label=label)


def _names(axes: Axes, names: Sequence[str]) -> None:
    """Write ``names`` down the left side, the first on top."""
    axes.set_yticks(range(len(names)), names)
    # Reversed limits put the first name on top.
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis='y', length=0)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9,
                    handlelength=1.2, columnspacing=1)


def _colour(comparison: Comparison, row: str) -> str:
    if row == comparison.baseline:
        return BASELINE_COLOUR
    # By the position of the row, so that a pretraining has one colour in all plots.
    others = [r for r in comparison.rows if r != comparison.baseline]
    return COLOURS[others.index(row) % len(COLOURS)]


def _plot(title: str, draw: Callable[[Axes], None], height: float, text: str) -> Plot:
    # Figure without pyplot keeps no global state, so plots can be made in any program. Without a
    # date and with a fixed hashsalt, the SVG is the same every time.
    with matplotlib.rc_context(STYLE):
        figure = Figure((WIDTH, height), layout='constrained')
        axes = figure.add_subplot()
        draw(axes)
        for part in figure.findobj(Text):
            part.set_text(printable(part.get_text()))
        out = io.StringIO()
        figure.savefig(out, format='svg', transparent=True, metadata={'Date': None})
    return Plot(title, _inline(out.getvalue(), title), text)


def _inline(svg: str, title: str) -> str:
    """Fit an SVG into a page: the text colour of the page, unique ids, the size of its frame."""
    own = re.sub(r'[^a-z0-9]+', '-', title.lower())
    # The XML declaration and the doctype before <svg are not allowed inside HTML.
    svg = svg[svg.index('<svg'):].replace(INK, 'currentColor')
    # matplotlib uses the same ids in every plot, and ids must be unique in a page.
    svg = re.sub(r'\bid="', f'id="{own}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf'\g<1>{own}-', svg)
    svg = re.sub(r'<metadata>.*?</metadata>', '', svg, flags=re.S)
    # Each call removes one of width and height, so that the frame decides the size.
    svg = re.sub(r'(<svg[^>]*?) (width|height)="[^"]*"', r'\1', svg)
    return re.sub(r'(<svg[^>]*?) (width|height)="[^"]*"', r'\1', svg).replace(
        '<svg ', '<svg aria-hidden="true" ', 1)
