"""Tests of the tutorial. Its commands run one after the other in one shell, on fewer pictures and with trainings of one
epoch. With --full they run as they stand. Its plan is only looked at, since it would train everything once more."""
import re
from pathlib import Path

import pytest

TUTORIAL = (Path(__file__).resolve().parents[2] / 'docs/tutorial.md').read_text(encoding='utf-8')
DRAW, PLAN = re.findall(r'```python\n(.*?)```', TUTORIAL, re.DOTALL)
# CI does what make does. The environment is that of the tests.
BLOCKS = [re.sub(r'^(make|source) .*\n', '', block, flags=re.MULTILINE)
          for block in re.findall(r'```bash\n(.*?)```', TUTORIAL, re.DOTALL)]


SHORTER = {
    'configs/demo/resnet18_scenes.py': {'max_epochs=6': 'max_epochs=1', 'T_max=6': 'T_max=1'},
    'configs/demo/_base_scenes.py': {'max_epochs=10, val_interval=10': 'max_epochs=1'}}


@pytest.fixture(scope='module')
def done(tmp_path_factory, copy_tree, run_script, full):
    """The folder in which the tutorial was run, and what that printed."""
    root = copy_tree(tmp_path_factory.mktemp('tutorial'), {} if full else SHORTER)
    few = DRAW.replace('crops=(150, 50), voc=(60, 60, 60)', 'crops=(8, 4), voc=(4, 4, 6)')
    assert few != DRAW
    (root / 'draw.py').write_text(DRAW if full else few)
    (root / 'my_plan.py').write_text(PLAN)
    look, carry_out = BLOCKS[-1].splitlines()
    assert look == f'{carry_out} --dry-run'
    script = '\n'.join(['set -ex', BLOCKS[0], 'python draw.py', *BLOCKS[1:-1], look])
    run = run_script(script if full else script.replace('epoch_6', 'epoch_1'), root)
    assert run.returncode == 0, run.stdout[-3000:]
    return root, run.stdout


@pytest.mark.parametrize('words', [
    'VOC2007/trainval: {} pictures',
    'usable',
    'mix/source_weight: ',
    'Wrote backbones/resizemix.pth\n  method: resizemix-persample\n  depth: 18',
    'BackboneGuard: the backbone equals backbones/resizemix.pth bit for bit',
    'pascal_voc/mAP: ',
    '| Pretraining            | top-1 | VOC SSD96, mAP (11 points) |',
    'check data of baseline: new, never run\npretrain baseline 0: waiting, after check data',
    '0 of 19 stages are done.',
])
def test_what_it_shows_is_printed(done, words, full):
    assert words.format(60 if full else 4) in done[1]


def test_what_it_promises_is_there(done):
    root, _ = done
    assert (root / 'mixed.png').stat().st_size > 10_000
    assert (root / 'work_dirs/comparison/report.html').is_file()
