"""Tests of the built wheel, which is installed into an environment of its own and used from a folder that is not the
checkout. ``make test-wheel`` builds it, installs it, and runs these tests there."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmresizemix

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = Path(mmresizemix.__file__).parent
pytestmark = pytest.mark.skipif(PACKAGE.is_relative_to(CHECKOUT / 'mmresizemix'),
                                reason='the checkout itself is installed: run make test-wheel')


@pytest.fixture(scope='module')
def elsewhere(tmp_path_factory, python):
    """A folder in which the demo was run as a user would run it."""
    folder = tmp_path_factory.mktemp('elsewhere')
    done = call(folder, python, '-m', 'mmresizemix', 'demo', '--scale', 'smoke')
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def call(folder, *command):
    data = folder / 'data/demo-smoke'
    return subprocess.run(list(map(str, command)), cwd=folder, text=True, capture_output=True,
                          env={**os.environ, 'MMRESIZEMIX_DEMO_DATA': str(data),
                               'OMP_NUM_THREADS': '1'})


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*')
            if path.is_file() and '__pycache__' not in path.parts}


def test_the_wheel_holds_what_the_checkout_holds():
    assert files_of(PACKAGE / '.mim/configs') == files_of(CHECKOUT / 'configs')
    assert files_of(PACKAGE / '.mim/tools') == files_of(CHECKOUT / 'tools')
    own = {name for name in files_of(PACKAGE) if not name.startswith('.mim/')}
    assert own == {name for name in files_of(CHECKOUT / 'mmresizemix')
                   if not name.startswith('.mim/')}


def test_every_public_name_is_there(elsewhere, python):
    names = ', '.join(name for name in mmresizemix.__all__ if name != '__version__')
    done = call(elsewhere, python, '-c', f'from mmresizemix import {names}')
    assert done.returncode == 0, done.stderr


def test_the_demo_runs_without_a_checkout(elsewhere):
    assert (elsewhere / 'work_dirs/demo-smoke/comparison/report.html').is_file()


@pytest.mark.parametrize('name', ['pretrain/resnet50_8xb64-resizemix-300e_in1k.py',
                                  'ssd/ssd300_r50_8xb8-24e_coco.py'])
def test_mmengine_finds_the_configs(elsewhere, python, name):
    code = (f"import mmresizemix; from mmengine.hub import get_config;"
            f"print(get_config('mmresizemix::{name}').model.backbone.depth)")
    done = call(elsewhere, python, '-c', code)
    assert done.stdout.endswith('50\n'), done.stderr


def test_a_config_is_trained_by_name(elsewhere):
    done = call(elsewhere, sys.executable, '-m', 'mmresizemix', 'train',
                'mmresizemix::demo/resnet18-resizemix_scenes.py', '--work-dir', 'by-name',
                '--cfg-options', 'train_cfg.max_epochs=1')
    assert (elsewhere / 'by-name/epoch_1.pth').is_file(), done.stdout + done.stderr


def test_a_checkpoint_is_exported_and_a_detector_is_tested_by_name(elsewhere):
    root = elsewhere / 'work_dirs/demo-smoke'
    done = call(elsewhere, sys.executable, '-m', 'mmresizemix', 'export_backbone',
                next(root.glob('pretrain/resizemix-*/epoch_2.pth')), 'exported.pth')
    assert done.returncode == 0 and 'method: resizemix' in done.stdout, done.stderr
    ssd = next(root.glob('finetune/ssd-on-coco/resizemix-*/epoch_2.pth'))
    done = call(elsewhere, sys.executable, '-m', 'mmresizemix', 'test',
                'mmresizemix::demo/ssd64_r18_scenes-coco.py', ssd)
    assert done.returncode == 0 and 'coco/bbox_mAP: ' in done.stdout, done.stderr


def test_a_config_of_ones_own_stands_on_one_of_ours(elsewhere, python):
    (elsewhere / 'own.py').write_text("_base_ = 'mmresizemix::demo/ssd96_r18_scenes-voc.py'\n"
                                      'train_cfg = dict(max_epochs=1)\n')
    done = call(elsewhere, python, '-m', 'mmresizemix', 'train', 'own.py',
                '--backbone', 'random', '--work-dir', 'own')
    assert (elsewhere / 'own/epoch_1.pth').is_file(), done.stdout + done.stderr


def test_mim_trains_a_config(elsewhere):
    mim = Path(sys.executable).parent / 'mim'
    done = call(elsewhere, mim, 'train', 'mmresizemix', 'ssd96_r18_scenes-coco.py',
                '--backbone', 'random', '--work-dir', 'by-mim',
                '--cfg-options', 'train_cfg.max_epochs=1')
    assert (elsewhere / 'by-mim/epoch_1.pth').is_file(), done.stdout + done.stderr


def test_mmdetections_own_script_trains_a_config(elsewhere):
    import mmdet
    tools = Path(mmdet.__file__).parent / '.mim/tools'
    config = PACKAGE / '.mim/configs/demo/faster-rcnn_r18_scenes-coco.py'
    (backbone, ) = (elsewhere / 'work_dirs/demo-smoke/backbones').glob('resizemix*.pth')
    done = call(elsewhere, sys.executable, tools / 'train.py', config, '--work-dir', 'by-mmdet',
                '--cfg-options', 'train_cfg.max_epochs=1',
                f'model.backbone.init_cfg.checkpoint={backbone}')
    assert (elsewhere / 'by-mmdet/epoch_1.pth').is_file(), done.stdout + done.stderr
    assert (elsewhere / 'by-mmdet/backbone.json').is_file()
