"""A table in the layout of the paper's Table 5: pretrainings down, detectors and sets across."""
from collections.abc import Mapping, Sequence

MISSING = '-'


def table5(cells: Mapping[tuple[str, str], float | None], rows: Sequence[str],
           columns: Sequence[str]) -> str:
    """Markdown, values in percent with two digits, the best of each column in bold.

    Args:
        cells: (row, column) -> a fraction in 0..1; None or absent: not measured.
        rows: pretrainings, in order.
        columns: e.g. 'top-1', 'COCO SSD', in order.
    """
    best = {c: max((cells[r, c] for r in rows if cells.get((r, c)) is not None), default=None)
            for c in columns}

    def show(row: str, column: str) -> str:
        value = cells.get((row, column))
        if value is None:
            return MISSING
        text = f'{100 * value:.2f}'
        return f'**{text}**' if value == best[column] else text

    lines = [['Pretraining', *columns], ['---', *['---:' for _ in columns]]]
    lines += [[row, *[show(row, column) for column in columns]] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return '\n'.join(_markdown_line(line, widths) for line in lines) + '\n'


def _markdown_line(fields: list[str], widths: list[int]) -> str:
    if fields[0] == '---':
        return '|' + '|'.join('-' * (w + 1) + (':' if f.endswith(':') else '-')
                              for f, w in zip(fields, widths)) + '|'
    first, *rest = (f.ljust(w) if i == 0 else f.rjust(w)
                    for i, (f, w) in enumerate(zip(fields, widths)))
    return f'| {" | ".join([first, *rest])} |'
