"""A comparison as Markdown, CSV, JSON and LaTeX. (The report shows it as HTML.)

The same comparison gives the same bytes every time. Names that others have given are shown, and do
nothing: to a terminal, to a table, or to a spreadsheet.
"""
import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..console.text import printable
from ..results.comparison import Cell, Comparison, Contrast
from ..runs.run import Run
from .table import Table, headline, notes, tables, top1_of


def to_markdown(comparison: Comparison) -> str:
    """Format all tables, the notes below them, and what was left out and why."""
    parts = [f'**{comparison.remark}**\n'] if comparison.remark else []
    parts.append(f'{headline(comparison)}\n')
    parts += [f'## {table.title}\n\n{markdown_table(table)}' for table in tables(comparison)]
    said = [f'- {note}' for note in notes(comparison)]
    parts.append('\n'.join(said) + '\n')
    if comparison.faults:
        left = [f'- {f.folder}: {f.reason}' for f in comparison.faults]
        parts.append('## Left out, missing, or flawed\n\n' + '\n'.join(left) + '\n')
    return printable('\n'.join(parts))


def markdown_table(table: Table) -> str:
    """Format one table, its columns aligned for reading as plain text."""
    lines = [tuple(' '.join(cell.replace('|', r'\|').splitlines()) for cell in line)
             for line in (table.header, *table.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]

    def show(line: tuple[str, ...]) -> str:
        # Names are aligned to the left, numbers to the right.
        first, *rest = (f.ljust(w) if i == 0 else f.rjust(w)
                        for i, (f, w) in enumerate(zip(line, widths)))
        return f'| {" | ".join([first, *rest])} |'

    rule = '|'.join('-' * (w + 1) + ('-' if i == 0 else ':') for i, w in enumerate(widths))
    return '\n'.join([show(lines[0]), f'|{rule}|', *map(show, lines[1:])]) + '\n'


def to_latex(comparison: Comparison) -> str:
    """Format the tables for the package booktabs; a document needs \\usepackage{booktabs}."""
    parts = []
    for table in tables(comparison):
        lines = [' & '.join(map(_latex, line)) + r' \\' for line in (table.header, *table.rows)]
        columns = 'l' + 'r' * (len(table.header) - 1)
        parts.append('\n'.join([
            r'\begin{table}', r'\centering', rf'\caption{{{_latex(table.title)}}}',
            rf'\begin{{tabular}}{{{columns}}}', r'\toprule', lines[0], r'\midrule', *lines[1:],
            r'\bottomrule', r'\end{tabular}', r'\end{table}', '']))
    said = [comparison.remark] if comparison.remark else []
    parts += [f'% {" ".join(note.splitlines())}\n'
              for note in [*said, headline(comparison), *notes(comparison)]]
    return printable('\n'.join(parts))


LATEX = {'\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#', '_': r'\_',
         '{': r'\{', '}': r'\}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}',
         '±': r'$\pm$', '≥': r'$\geq$', '−': '$-$', '–': '--', '<': '$<$', '>': '$>$'}


def _latex(text: str) -> str:
    return ''.join(LATEX.get(c, c) for c in text)


def to_csv(comparison: Comparison) -> str:
    """Format one line per run and metric, unrounded, for reading into a data frame."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(('pretraining', 'column', 'run', 'seed', 'epoch', 'metric', 'percent'))
    for row in comparison.rows:
        for column in comparison.columns:
            cell = comparison.cells.get((row, column.label))
            if cell is None:
                continue
            for i, run in enumerate(cell.runs):
                for name in sorted(cell.metrics):
                    value = float(cell.metrics[name][i])
                    # repr keeps every digit, and an empty field reads as a missing value.
                    writer.writerow((*map(_no_formula, (row, column.label, str(run.folder))),
                                     run.seed, run.epoch, name,
                                     '' if math.isnan(value) else repr(value)))
    return printable(out.getvalue())


def _no_formula(text: str) -> str:
    """Return a text that a spreadsheet does not compute: with an apostrophe, if it begins as a
    formula does."""
    return f"'{text}" if text.startswith(('=', '+', '-', '@')) else text


def to_json(comparison: Comparison) -> str:
    """Format everything: cells, each run with its provenance, contrasts, and the tables as text."""
    return json.dumps(_plain(dict(
        baseline=comparison.baseline, epoch=comparison.epoch, resamples=comparison.resamples,
        allow_different=comparison.allow_different, remark=comparison.remark,
        headline=headline(comparison),
        rows=[dict(name=row, top1=top1_of(comparison, row)) for row in comparison.rows],
        columns=[asdict(column) for column in comparison.columns],
        cells=[_cell(cell) for _, cell in sorted(comparison.cells.items())],
        contrasts=[_contrast(c) for _, c in sorted(comparison.contrasts.items())],
        tables=[asdict(table) for table in tables(comparison)],
        notes=notes(comparison),
        faults=[dict(folder=f.folder, reason=f.reason, bad=f.bad) for f in comparison.faults])),
        indent=1, ensure_ascii=False, allow_nan=False) + '\n'


def _cell(cell: Cell) -> dict[str, Any]:
    return dict(row=cell.row, column=cell.column, mean=cell.mean, interval=cell.interval,
                pretrainings=cell.pretrainings, runs=[
                    dict(_run(one.run), metrics={k: v[i] for k, v in sorted(cell.metrics.items())},
                         evaluated_again=one.evaluation is not None)
                    for i, one in enumerate(cell.assessed)])


def _run(run: Run) -> dict[str, Any]:
    origin, its = run.origin, run.provenance
    return dict(
        folder=run.folder, method=origin.method, verified=origin.verified,
        pretraining=origin.pretraining, source=origin.source, top1=origin.top1,
        config_name=run.config.name, seed=run.seed, epoch=run.epoch, curve=run.curve,
        rounded=run.config.rounded, detections=run.kept.detections,
        truth_sha256=run.kept.truth_sha256, hours=its.hours,
        images_per_second=its.images_per_second, peak_memory=its.peak_memory,
        versions=its.versions)


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return dict(
        row=contrast.row, column=contrast.column, unit=contrast.unit,
        difference=contrast.difference, image=contrast.image, image_se=contrast.image_se,
        seeds=dict(asdict(contrast.seed), interval=contrast.seed.interval()),
        both=dict(asdict(contrast.combined), p=contrast.combined.p,
                  interval=contrast.combined.interval()),
        p_holm=contrast.p_holm, exact=contrast.exact, improvement=contrast.improvement,
        verdict=contrast.verdict, needed=contrast.needed, by_class=contrast.by_class,
        by_size=contrast.by_size)


def _plain(value: Any) -> Any:
    """Convert a value to the types of JSON. Numbers that are not finite become null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return str(value) if isinstance(value, Path) else value


FORMATS: dict[str, tuple[str, Callable[[Comparison], str]]] = {
    'md': ('table.md', to_markdown), 'csv': ('runs.csv', to_csv), 'json': ('table.json', to_json),
    'latex': ('table.tex', to_latex)}
