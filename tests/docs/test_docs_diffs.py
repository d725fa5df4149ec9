"""Tests of the design page's diffs on a copy of the tree: they are short and up to date, and they work."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
METHOD, DETECTOR, DATA_SET = re.findall(r'```diff\n(.*?)```', (ROOT / 'docs/design.md').read_text(),
                                        re.DOTALL)


@pytest.fixture
def tree(tmp_path, copy_tree, python):
    """A function ``tree(diff)`` that applies ``diff`` to a copy of the code, and returns a function that runs Python
    there. By default, that is a Python which imports the package from the copy."""
    copy_tree(tmp_path)

    def run(*command, by=sys.executable):
        done = subprocess.run([by, *map(str, command)], cwd=tmp_path, text=True, capture_output=True, timeout=300,
                              env={**os.environ, 'PYTHONPATH': str(tmp_path), 'OMP_NUM_THREADS': '1'})
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def applied(diff):
        subprocess.run(['git', 'apply', '-'], cwd=tmp_path, input=diff, text=True, check=True)
        return run

    return applied


@pytest.mark.parametrize('diff', [METHOD, DETECTOR, DATA_SET], ids=['method', 'detector', 'data'])
def test_a_diff_is_short(diff):
    assert len(diff.splitlines()) < 40


def test_a_mixing_method(tree, tmp_path):
    run = tree(METHOD)
    (tmp_path / 'tests/test_sidemix.py').write_text('''
import torch
from mmpretrain.registry import BATCH_AUGMENTS
import mmresizemix

def test_law_of_sidemix():
    augment = BATCH_AUGMENTS.build(dict(type='mmresizemix.SideMix', seed=0))
    columns = augment.draw(20000, (8, 10)).lam * 10
    assert torch.equal(columns, columns.round())
    share = torch.bincount(columns.long(), minlength=11) / 20000
    assert (share - 1 / 11).abs().max() < 0.01, share''')
    out = run('-m', 'pytest', '-v', '-p', 'no:xdist', 'tests/batch_augments/test_contract.py',
              'tests/test_sidemix.py', '-k', 'sidemix')
    assert 'test_law_of_sidemix PASSED' in out and 'sidemix] PASSED' in out


def test_a_detector(tree, python):
    run = tree(DETECTOR)
    run('-m', 'pytest', '-q', '-p', 'no:xdist', 'tests/configs/test_configs.py', 'tests/openmmlab/test_installed.py',
        '-k', 'cascade or index')
    run('-c', '''
from mmengine.config import Config
from mmengine.registry import init_default_scope
import mmresizemix
from mmdet.registry import HOOKS, MODELS
cfg = Config.fromfile('configs/cascade_rcnn/cascade-rcnn_r50_fpn_8xb2-12e_coco.py')
init_default_scope('mmdet')
assert type(MODELS.build(cfg.model)).__name__ == 'CascadeRCNN'
assert 'BackboneGuard' in {type(HOOKS.build(hook)).__name__ for hook in cfg.custom_hooks}''', by=python)


def test_a_data_set(tree, python):
    run = tree(DATA_SET)
    run('-c', '''
from mmresizemix.datasets import write_scenes
write_scenes('data/scenes', crops=(1, 1), voc=(0, 0, 0), coco=(4, 2), scene_size=(96, 96))''', by=python)
    run('tools/train.py', 'configs/custom/ssd_r18_scenes.py', '--backbone', 'random',
        '--work-dir', 'work_dirs/ssd', '--cfg-options', 'train_cfg.max_epochs=1',
        'train_dataloader.dataset.times=1', 'train_dataloader.num_workers=0',
        'val_dataloader.num_workers=0', 'val_dataloader.persistent_workers=False', by=python)
    out = run('tools/prepare_coco.py', 'data/scenes/coco',
              '--classes', 'circle,square,triangle,ring,cross,star', by=python)
    assert 'usable' in out
