"""Write the tables and the plot of docs/benchmarks.md from what the benchmarks left in
work_dirs/benchmarks.

    python benchmarks/page.py

The text outside the marks in that page is written by hand and is kept.
"""
import json
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from side_by_side import RESULTS, ROUNDS

DOCS = Path(__file__).parents[1] / 'docs'
BEGIN, END = '<!-- figures: make bench -->', '<!-- end of figures -->'
ORDER = ('mixing-resizemix', 'mixing-cutmix', 'mixing-gpu-64', 'mixing-gpu-256', 'mixing-gpu-1024',
         'methods', 'loading', 'training', 'detecting-ssd300', 'detecting-faster', 'start',
         'import', 'coco-evaluation')
GROWTH = ('growth-mixing-batch', 'growth-mixing-side', 'growth-loading', 'growth-bootstrap',
          'growth-reading-tables', 'growth-reading-report')
OURS = ('mmresizemix', 'faster-coco-eval')
BLUE, GRAY = '#2f7fc1', '#b9bec5'


def read(names) -> dict[str, dict]:
    return {name: json.loads((RESULTS / f'{name}.json').read_text())
            for name in names if (RESULTS / f'{name}.json').is_file()}


def table(found: dict) -> list[str]:
    lines = [f'## {found["question"]}', '']
    if 'skipped' in found:
        return [*lines, f'This was not measured here: {found["skipped"]}.', '']
    lines += [f'Setting: {found["setting"]}.', '']
    amount = 'pictures/s' if found['per'] else 'median (least – most), ms'
    what = 'times as fast as' if found['per'] else 'time over that of'
    lines += [f'| | {amount} | {what} {found["reference"]} | goal |', '|---|---:|---:|---|']
    for row in found['rows']:
        times = [1e3 * row[key] for key in ('median', 'low', 'high')]
        value = (f'{found["per"] / row["median"]:.0f}' if found['per'] else
                 '{:.1f} ({:.1f} – {:.1f})'.format(*times))
        name = f'**{row["name"]}**' if row['name'].startswith(OURS) else row['name']
        ratio = f'{row["ratio"]:.{2 if row["ratio"] >= 0.1 else 3}f}'
        lines.append(f'| {name} | {value} | {ratio} | {row["goal"]} |')
    return [*lines, '']


def growth_table(all_found: dict[str, dict]) -> list[str]:
    lines = ['## How cost grows', '', 'The table shows the seconds at four sizes, and the power of '
             'the size with which they grow. A power of 1 is linear growth.', '',
             '| what was measured | setting | seconds at size | power |', '|---|---|---|---:|']
    for found in all_found.values():
        points = ', '.join(f'{p["seconds"]:.3g} at {p["size"]:,}' for p in found['growth'])
        lines.append(f'| {found["question"]} | {found["setting"]} | {points} {found["unit"]} | '
                     f'{found["exponent"]:.2f} |')
    return [*lines, '']


def where(all_found: dict[str, dict]) -> list[str]:
    """List the machines and versions, each once, with what was measured there."""
    # The figures may come from several machines. For example, those for a GPU may come from
    # another one.
    places: dict[str, list[str]] = {}
    for found in all_found.values():
        machine = found['machine']
        versions = ', '.join(f'{name} {v}' for name, v in machine['versions'].items())
        text = (f'{machine["cpu"]}, {machine["cores"]} cores, Python {machine["python"]}, '
                f'{versions}; {found["date"]}')
        places.setdefault(text, []).append(found['question'])
    if len(places) == 1:
        return [f'All of this was measured on: {next(iter(places))}.', '']
    return ['Each line lists what was measured, then the machine, the versions and the date.', '',
            *(f'- {"; ".join(what)}: {text}.' for text, what in places.items()), '']


def draw(sides: dict[str, dict], grown: dict[str, dict], path: Path) -> None:
    # There is one plot per comparison, two plots per row, and a last plot for the growth.
    measured = [f for name, f in sides.items() if 'rows' in f and name in (
        'mixing-resizemix', 'mixing-cutmix', 'loading', 'training')]
    rows = -(-(len(measured) + 1) // 2)
    figure, grid = plt.subplots(rows, 2, figsize=(11, 3.2 * rows), layout='constrained')
    axes = list(grid.flat)
    for axis, found in zip(axes, measured):
        _draw_side_by_side(axis, found)
    _draw_growth(axes[len(measured)], grown)
    for axis in axes[len(measured) + 1:]:
        axis.remove()
    for axis in axes:
        axis.spines[['top', 'right']].set_visible(False)
    # The new file replaces the old one only when it is complete, so an interrupted run keeps the
    # old one.
    part = path.with_name(f'.{path.name}')
    figure.savefig(part, dpi=100)
    part.replace(path)


def _draw_side_by_side(axis, found: dict) -> None:
    rows = found['rows'][::-1]
    axis.barh([r['name'] for r in rows], [r['ratio'] for r in rows],
              color=[BLUE if r['name'].startswith(OURS) else GRAY for r in rows])
    if max(r['ratio'] for r in rows) > 10:
        axis.set_xscale('log')
        axis.xaxis.set_major_formatter('{x:g}')
    for i, row in enumerate(rows):
        axis.text(row['ratio'], i, f' {row["ratio"]:.2f}', va='center', fontsize=8)
    axis.axvline(1, color='black', linewidth=0.8)
    axis.set_title(found['question'], fontsize=10)
    axis.set_xlabel(('times as fast as ' if found['per'] else 'time over that of ')
                    + found['reference'], fontsize=8)
    axis.tick_params(labelsize=8)
    axis.margins(x=0.15)


def _draw_growth(axis, grown: dict[str, dict]) -> None:
    longest = 1.0
    for found in grown.values():
        first = found['growth'][0]
        sizes = [p['size'] / first['size'] for p in found['growth']]
        longest = max(longest, *sizes)
        axis.loglog(sizes, [p['seconds'] / first['seconds'] for p in found['growth']], marker='o',
                    markersize=3, label=found['question'])
    axis.loglog([1, longest], [1, longest], color='black', linestyle=':', label='linear')
    axis.set_title('How cost grows', fontsize=10)
    axis.set_xlabel('size over the smallest', fontsize=8)
    axis.set_ylabel('time over that of the smallest', fontsize=8)
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter('{x:g}')
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=7, frameon=False, loc='upper left', bbox_to_anchor=(1, 1))


def main() -> None:
    sides, grown = read(ORDER), read(GROWTH)
    if not sides or not grown:
        raise SystemExit(f'{RESULTS}: no results to show; run: make bench')
    lines = [f'The times are medians of {ROUNDS} rounds or more. In each round, every candidate '
             'runs once, in a new order. The ratios are medians of the ratios of the rounds.', '',
             '![ratios and growth](pictures/benchmarks.png)', '']
    for found in sides.values():
        lines += table(found)
    lines += growth_table(grown) + where({**sides, **grown})
    # Only the text between the marks is replaced.
    page = DOCS / 'benchmarks.md'
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    (DOCS / 'pictures').mkdir(exist_ok=True)
    draw(sides, grown, DOCS / 'pictures/benchmarks.png')
    part = page.with_name(f'.{page.name}')
    part.write_text('\n'.join([before + BEGIN, '', *lines]) + END + after)
    part.replace(page)
    print(page)


if __name__ == '__main__':
    main()
