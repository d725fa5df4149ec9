"""Tests that the notebook runs, and that its claims come out. It runs on fewer pictures, and its detectors train for
one epoch. With --full it runs as it stands."""
import re
from pathlib import Path

import nbclient
import nbformat
import pytest

TOUR = Path(__file__).resolve().parents[2] / 'docs/tour.ipynb'
SHORT = {"'train_cfg.max_epochs=8', 'train_cfg.val_interval=8'": "'train_cfg.max_epochs=1', 'train_cfg.val_interval=1'",
         "'train_cfg.max_epochs=5', 'train_cfg.val_interval=5'": "'train_cfg.max_epochs=1', 'train_cfg.val_interval=1'",
         'epoch_5.pth': 'epoch_1.pth',
         "for seed in '01'": "for seed in '0'",
         'crops=(60, 20), coco=(0, 0), voc=(30, 30, 30)': 'crops=(8, 4), coco=(0, 0), voc=(4, 4, 4)'}


def text_of(notebook) -> str:
    """Return what the notebook's cells print and show, except pictures."""
    outputs = [output for cell in notebook.cells for output in cell.get('outputs', [])]
    return '\n'.join(output.get('text', '') or output.get('data', {}).get('text/markdown', '')
                     for output in outputs)


@pytest.fixture(scope='module')
def executed(tmp_path_factory, python, full):
    notebook = nbformat.read(TOUR, as_version=4)
    for long, short in {} if full else SHORT.items():
        cells = [cell for cell in notebook.cells if long in cell.source]
        assert cells, long
        for cell in cells:
            cell.source = cell.source.replace(long, short)
    folder = str(tmp_path_factory.mktemp('tour'))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(  # its scratch folder lies in ours, which pytest removes
        f'import sys, tempfile; sys.executable = {python!r}; tempfile.tempdir = {folder!r}'))
    resources = {'metadata': {'path': folder}}
    return nbclient.NotebookClient(notebook, timeout=1200, resources=resources).execute()


def test_what_it_shows_comes_out(executed, full):
    text = text_of(executed)
    by_hand, of_the_mix, label = re.search(
        r'λ by hand (\S+), of the mix (\S+), label .*?(\d\.\d+)\]', text).groups()
    assert by_hand == of_the_mix == label
    assert 'the target, bit for bit: True' in text
    assert text.count('the backbone equals backbones/') == (4 if full else 2)
    assert "begin with 'backbone.', and init_cfg has no prefix" in text
    assert '58 times too large' in text
    assert re.search(r'\| ResizeMix \(per sample\), VOC SSD96 \| +\w+', text)


def test_what_is_committed_came_out_of_these_cells(executed):
    committed = nbformat.read(TOUR, as_version=4)
    lines = [set(re.findall(r'^(?:error|λ|sample).*', text_of(n).replace('epoch_5', 'epoch_1'), re.MULTILINE))
             for n in (committed, executed)]
    assert lines[0] == lines[1]
    assert not re.search(r'(/tmp|/home|/root|/work)/', text_of(committed))
