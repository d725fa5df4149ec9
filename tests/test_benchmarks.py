"""Tests that the benchmarks start, and that their page shows the figures that they kept."""
import importlib
import json
import subprocess
from pathlib import Path

import pytest

from mmresizemix.openmmlab.installed import read_config

BENCHMARKS = Path(__file__).resolve().parents[1] / 'benchmarks'
PARTS = ('side_by_side', 'drawn_set', 'loops', 'page')  # modules that answer no question of their own
COMMANDS = sorted(p.stem for p in BENCHMARKS.glob('*.py') if p.stem not in PARTS)


@pytest.mark.parametrize('name', COMMANDS)
def test_says_what_it_measures_and_is_run_by_a_script(name, python):
    done = subprocess.run([python, '-W', 'ignore', BENCHMARKS / f'{name}.py', '--help'],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and f'benchmarks/{name}.py' in done.stdout, done.stderr
    scripts = (BENCHMARKS.parent / 'Makefile', BENCHMARKS / 'gpu.sh')
    assert any(f'benchmarks/{name}.py' in script.read_text() for script in scripts)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """The modules ``side_by_side`` and ``page``, which use folders of the test."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    side_by_side, page = (importlib.import_module(name) for name in ('side_by_side', 'page'))
    monkeypatch.setattr(side_by_side, 'RESULTS', tmp_path)
    monkeypatch.setattr(page, 'RESULTS', tmp_path)
    monkeypatch.setattr(page, 'DOCS', tmp_path)
    return side_by_side, page


def test_ratios_are_medians_over_rounds_and_faster_is_more(bench, tmp_path):
    side_by_side, _ = bench
    times = dict(ours=[1., 2., 3.], theirs=[2., 8., 6.])
    side_by_side.report('time', 'Q', 'S', times, 'theirs')
    side_by_side.report('speed', 'Q', 'S', times, 'theirs', per=10)
    rows = {name: json.loads((tmp_path / f'{name}.json').read_text())['rows'][0]
            for name in ('time', 'speed')}
    assert rows['time']['ratio'] == 0.5 and rows['speed']['ratio'] == 2
    assert rows['time']['median'] == 2


def test_candidates_take_turns_and_do_not_count_while_they_warm_up(bench):
    side_by_side, _ = bench
    calls = []
    candidates = {name: lambda name=name: calls.append(name) or len(calls) for name in 'abc'}
    times = side_by_side.in_turn(candidates, rounds=20, warm_up=2)
    turns = [''.join(calls[i:i + 3]) for i in range(0, len(calls), 3)]
    assert len(turns) == 22 and all(sorted(turn) == list('abc') for turn in turns)
    assert len(set(turns)) > 1 and all(len(found) == 20 for found in times.values())


def test_the_page_shows_figures_and_what_was_left_out(bench, tmp_path):
    side_by_side, page = bench
    (tmp_path / 'benchmarks.md').write_text(f'before\n{page.BEGIN}\nold\n{page.END}\nafter\n')
    side_by_side.report('mixing-resizemix', 'How fast?', 'here', dict(
        mmresizemix=[0.004], mmpretrain=[0.01]), 'mmpretrain', {'mmresizemix': '<= 0.4'})
    side_by_side.skip('mixing-gpu-64', 'On a GPU?', 'no GPU')
    side_by_side.report_growth('growth-loading', 'How does it grow?', 'here', 'pixels',
                               {10: 1., 20: 2., 40: 4.})
    page.main()
    text = (tmp_path / 'benchmarks.md').read_text()
    assert text.startswith('before\n') and text.endswith('after\n') and 'old' not in text
    assert '| **mmresizemix** | 4.0 (4.0 – 4.0) | 0.40 | <= 0.4 |' in text
    assert 'This was not measured here: no GPU.' in text and '40 pixels | 1.00 |' in text
    assert (tmp_path / 'pictures/benchmarks.png').stat().st_size > 1000


@pytest.mark.usefixtures('bench')
def test_what_resuming_overrides_is_in_its_config():
    resuming = importlib.import_module('resuming')
    words = resuming.command(Path('run'), [])
    options = dict(word.split('=') for word in words[words.index('--cfg-options') + 1:])
    config = read_config(resuming.CONFIG)
    config.merge_from_dict(options)
    assert config.param_scheduler[1].T_max == config.train_cfg.max_epochs == str(resuming.EPOCHS)
