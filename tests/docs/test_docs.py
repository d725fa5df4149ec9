"""Tests of the pages: links lead somewhere, and Python that is shown runs or at least compiles."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
PYTHON = re.compile(r'```python\n(.*?)```', re.DOTALL)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    targets = re.findall(r'\]\(([^)\s]+)\)', page.read_text(encoding='utf-8'))
    local = [t.partition('#')[0] for t in targets if not t.startswith(('http', '#'))]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing, f'{page.name}: no such file: {missing}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_python_compiles(page):
    for code in PYTHON.findall(page.read_text(encoding='utf-8')):
        compile(code, page.name, 'exec')


@pytest.mark.parametrize('page', ['README.md', 'docs/mixing.md', 'docs/comparing.md'])
def test_python_runs(page):
    examples = PYTHON.findall((ROOT / page).read_text(encoding='utf-8'))
    assert examples
    for code in examples:
        exec(code, {})
