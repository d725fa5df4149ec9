"""The command, as a user runs it: all formats from one place, one line a fault, exit codes."""
import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from PIL import Image
from result_samples import drawn_detections, drawn_truth, write_run
from run_tool import run_tool

from mmresizemix.report.make import make_comparison
from mmresizemix.report.table import notes

FILES = ('table.md', 'runs.csv', 'table.json', 'table.tex', 'report.html')
CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Three pretrainings, two seeds, detections and pictures; a method's name that is markup."""
    folder = tmp_path_factory.mktemp('runs')
    truth = drawn_truth()
    for method, found in {'baseline': .6, 'resizemix': .9, 'a<b>&|_%': .7}.items():
        for seed in range(2):
            detections = drawn_detections(truth, seed=seed, found=found)
            write_run(folder / f'{found}-{seed}', method=method, seed=seed, truth=truth,
                      detections=detections, top1=100 * found)
    (folder / 'data/small/val').mkdir(parents=True)
    for image in truth.content['images']:
        Image.new('RGB', (320, 320), 'navy').save(folder / 'data/small/val' / image['file_name'])
    Image.new('RGB', (8, 8)).save(folder / 'mixed-by-resizemix.png')
    write_run(folder / 'unfinished', reached=1, epochs=2, seed=9)
    return folder


@pytest.fixture(scope='module')
def made(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp('out')
    comparison = make_comparison([runs], out, resamples=100, quiet=True)
    return out, comparison


def test_every_format_is_byte_for_byte_the_same_when_made_again(runs, made, tmp_path):
    out, _ = made
    make_comparison([runs], tmp_path, resamples=100, quiet=True, workers=1)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name
    assert not list(tmp_path.glob('.*')), 'nothing unfinished is left'


def test_all_formats_show_the_same_numbers(made):
    out, comparison = made
    data = json.loads((out / 'table.json').read_text())
    cells = [cell for table in data['tables'] for row in table['rows'] for cell in row]
    texts = {name: (out / name).read_text() for name in FILES}
    for cell in filter(None, cells):
        number = re.fullmatch(r'[\d.]+', cell)
        assert cell.replace('|', r'\|') in texts['table.md']
        assert html.escape(cell, quote=False) in texts['report.html'] or "'" in cell
        if number:
            assert f' {cell} ' in texts['table.tex']
    rows = list(csv.DictReader(texts['runs.csv'].splitlines()))
    for cell in data['cells']:
        found = [float(r['percent']) for r in rows if r['pretraining'] == cell['row']
                 and r['metric'] == 'AP']
        assert len(found) == 2 and sum(found) / 2 == pytest.approx(cell['mean'], abs=1e-12)
        assert f'{cell["mean"]:.2f}' in texts['table.md']
    assert {c['difference'] for c in data['contrasts']} == {
        c.difference for c in comparison.contrasts.values()}


def test_latex_and_html_escape_what_they_are_given(made):
    out, _ = made
    assert r'a$<$b$>$\&|\_\%' in (out / 'table.tex').read_text()
    page = (out / 'report.html').read_text()
    assert 'a<b>' not in page and 'a&lt;b&gt;&amp;|_%' in page


def test_names_do_nothing_to_a_terminal_or_a_spreadsheet(tool, tmp_path):
    for name in ('baseline', '=1+1', '+x', '@sum', '\x1b]0;title\x07\x1b[31mred', 'two\r\nlines|of', r'$x_{$'):
        write_run(tmp_path / 'runs' / repr(name).replace('\\', ''), method=name)
    done = tool('compare', tmp_path / 'runs', '--out', tmp_path / 'out', '--resamples', 2)
    assert done.returncode == 0, done.stderr
    texts = [done.stdout, *((tmp_path / 'out' / name).read_text() for name in FILES[:4])]
    assert not any(c in text for text in texts for c in '\x1b\x07\r') and r'\x1b[31mred' in done.stdout
    with (tmp_path / 'out/runs.csv').open(newline='') as file:
        found = {line['pretraining'] for line in csv.DictReader(file)}
    assert found >= {"'=1+1", "'+x", "'@sum", 'baseline'} and not any(one.startswith(('=', '+', '@')) for one in found)
    assert r'| two lines\|of ' in done.stdout


@pytest.mark.skipif(not shutil.which('pdflatex'), reason='pdflatex is not installed')
def test_latex_compiles(made, tmp_path):
    out, _ = made
    (tmp_path / 'page.tex').write_text(
        '\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n'
        f'{(out / "table.tex").read_text()}\n\\end{{document}}\n')
    done = subprocess.run(['pdflatex', '-interaction=nonstopmode', 'page.tex'], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


class Page(HTMLParser):
    """What a page loads, and what it says to who cannot see it."""

    def __init__(self):
        super().__init__()
        self.loaded, self.unnamed, self.ids = [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.loaded += [values[a] for a in ('src', 'href', 'xlink:href') if a in values]
        if 'id' in values:
            self.ids.append(values['id'])
        if tag == 'img' and not values.get('alt') and values.get('src'):
            self.unnamed.append(values)
        if values.get('role') in ('img', 'region') and not values.get('aria-label'):
            self.unnamed.append(values)


def test_the_report_is_one_file_that_needs_nothing_else(made):
    out, _ = made
    page = Page()
    page.feed((out / 'report.html').read_text())
    assert page.loaded and all(link.startswith(('data:', '#')) for link in page.loaded)
    assert page.unnamed == [] and len(page.ids) == len(set(page.ids))
    anchors = {link[1:] for link in page.loaded if link.startswith('#')}
    assert anchors <= set(page.ids), anchors - set(page.ids)
    assert {'table', 'differences', 'runs', 'epochs', 'sizes', 'classes', 'top1', 'images', 'mixes',
            'provenance', 'left-out'} <= set(page.ids)


@pytest.mark.skipif(not CHROMIUM, reason='no chromium on this machine')
def test_the_report_works_in_a_browser(made, tmp_path):
    """No errors on its console, tables sort by number, pictures open and close."""
    out, _ = made
    page = (out / 'report.html').read_text()
    probe = '''<script>{
const head = [...document.querySelectorAll('th button')].find(b => b.textContent.includes('top-1'));
const column = head.parentElement.cellIndex, table = head.closest('table');
const shown = () => [...table.tBodies[0].rows].map(r => parseFloat(r.cells[column].textContent));
head.click(); const down = shown(); head.click(); const up = shown();
document.querySelector('.picture').click();
const dialog = document.querySelector('dialog'), open = dialog.open;
const drawn = dialog.querySelector('img').src.startsWith('data:image/');
dialog.click();
const broken = [...document.images].filter(i => i.getAttribute('src') && !i.naturalWidth).length;
document.body.dataset.result = JSON.stringify({down, up, open, drawn, closed: !dialog.open, broken,
  wider: document.documentElement.scrollWidth - document.documentElement.clientWidth});
}</script>'''
    (tmp_path / 'page.html').write_text(page.replace('</body>', f'{probe}</body>'))
    done = subprocess.run(
        [CHROMIUM, '--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=500,900', '--enable-logging=stderr',
         '--virtual-time-budget=5000', f'--user-data-dir={tmp_path / "profile"}', '--dump-dom',
         (tmp_path / 'page.html').as_uri()], capture_output=True, text=True, timeout=120)
    assert [line for line in done.stderr.splitlines() if 'CONSOLE' in line] == []
    found = re.search(r'data-result="(.*?)"', done.stdout)
    result = json.loads(html.unescape(found[1]))
    assert result['down'] == [90, 70, 60] and result['up'] == [60, 70, 90]
    assert result['open'] and result['drawn'] and result['closed']
    assert result['broken'] == 0 and result['wider'] <= 0, 'nothing sticks out of the page'


def test_the_command(tool, runs, tmp_path):
    done = tool('compare', runs, '--out', tmp_path / 'out', '--resamples', 20)
    assert done.returncode == 0, done.stderr
    assert '| ResizeMix ' in done.stdout and 'not finished: evaluated at epoch 1 of 2' in done.stdout
    assert {p.name for p in (tmp_path / 'out').iterdir()} == set(FILES)


def test_a_locale_without_the_letters(tmp_path):
    """Files are UTF-8 all the same; a terminal shows ? for what it lacks."""
    write_run(tmp_path / 'runs/whole', method='baseline')
    write_run(tmp_path / 'runs/whole2', method='τ-mix', ap=.29)
    done = run_tool(sys.executable, 'compare', tmp_path / 'runs', '--out', tmp_path / 'out', '--resamples', 20,
                    environment=dict(LC_ALL='C', PYTHONUTF8='0', PYTHONCOERCECLOCALE='0'))
    assert done.returncode == 0, done.stderr
    assert '| ?-mix ' in done.stdout
    for name in FILES:
        assert 'τ-mix' in (tmp_path / 'out' / name).read_text(encoding='utf-8')


def test_what_is_broken_ends_in_exit_code_2_and_the_rest_is_written(tool, tmp_path):
    write_run(tmp_path / 'runs/whole', method='baseline')
    write_run(tmp_path / 'runs/whole2', method='resizemix', ap=.31)
    broken = write_run(tmp_path / 'runs/broken', method='cutmix')
    (broken / '20260101_000000/vis_data/config.py').unlink()
    done = tool('compare', tmp_path / 'runs', '--out', tmp_path / 'out', '--format', 'md', '--quiet')
    assert done.returncode == 2 and done.stdout == ''
    [line] = done.stderr.splitlines()
    assert line.startswith(f'{broken}: has no config')
    assert '| ResizeMix ' in (tmp_path / 'out/table.md').read_text()
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['table.md']


@pytest.mark.parametrize('arguments, code', [(['absent'], 2), (['.', '--format', 'pdf'], 2),
                                             ([], 2)])
def test_nothing_to_read(tool, tmp_path, arguments, code):
    done = tool('compare', *arguments, *(['--out', tmp_path / 'out'] if arguments else []),
                environment=dict(COLUMNS='200'), cwd=tmp_path)
    assert done.returncode == code and 'Traceback' not in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_typo_overwrites_no_comparison(tool, runs, made, tmp_path):
    out = shutil.copytree(made[0], tmp_path / 'out')
    before = {name: (out / name).read_bytes() for name in FILES}
    done = tool('compare', tmp_path / 'rnus', '--out', out)
    assert done.returncode == 2 and done.stdout == ''
    assert 'rnus: no such folder' in done.stderr and 'no run was read, so nothing was written' in done.stderr
    assert {name: (out / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize('settings, joins', [(('a', 'a'), False), (('a', 'b'), True), (('a', None), False)])
def test_a_row_that_joins_unlike_pretrainings_has_a_note(tmp_path, settings, joins):
    for method in ('baseline', 'resizemix'):
        for seed, digest in enumerate(settings):
            write_run(tmp_path / f'{method}{seed}', method=method, seed=seed, digest=f'{method}{seed}',
                      settings=digest if method == 'resizemix' else 'a')
    said = [note for note in notes(make_comparison([tmp_path], tmp_path / 'out', formats=[], quiet=True))
            if 'JOINS PRETRAININGS WHOSE SETTINGS DIFFER' in note]
    assert len(said) == joins and all(': ResizeMix JOINS' in note for note in said)
