"""Tests of the configs and tools that come with the package, under the names that OpenMMLab has for them."""
import copy
import os
import pickle
import subprocess

import pytest
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE, _get_package_and_cfg_path
from mmengine.hub import get_config
from quick_runs import format_code

import mmresizemix
from mmresizemix.openmmlab.installed import CONFIGS, MIM, TOOLS, config_path, read_config

NAME = 'ssd/ssd300_r50_8xb8-24e_coco.py'


def test_mmengine_finds_our_configs_by_name(tmp_path):
    file = Config.fromfile(CONFIGS / NAME)
    assert get_config(f'mmresizemix::{NAME}').to_dict() == file.to_dict()
    (tmp_path / 'own.py').write_text(f"_base_ = 'mmresizemix::{NAME}'\ntrain_cfg = dict(max_epochs=7)\n")
    own = Config.fromfile(tmp_path / 'own.py')
    assert own.train_cfg.max_epochs == 7 and own.model.backbone.depth == 50


@pytest.mark.parametrize('name', ['pretrain/resnet50_8xb64-resizemix-300e_in1k.py',
                                  'custom/ssd_r18_voc.py', NAME])
def test_a_base_of_ours_by_name_is_the_base_by_path(tmp_path, name):
    """MMEngine notes the package as the scope, but that scope does not have mmpretrain's and mmdet's parts."""
    (tmp_path / 'own.py').write_text(f"_base_ = 'mmresizemix::{name}'\n")
    by_name = read_config(tmp_path / 'own.py')
    assert by_name.to_dict() == Config.fromfile(CONFIGS / name).to_dict()
    assert "_scope_='mmresizemix'" in Config.fromfile(tmp_path / 'own.py').pretty_text, 'MMEngine noted it'


def test_mmengine_still_has_no_way_to_enter_a_package():
    """This test fails when MMEngine knows a package without being told. Then remove ``installed.tell_mmengine``."""
    with pytest.raises(AssertionError, match='does not support'):
        _get_package_and_cfg_path('rich::some/config.py')
    assert MODULE2PACKAGE['mmresizemix'] == 'mmresizemix'


def test_a_name_is_a_path_or_a_config_of_a_package():
    assert config_path('here/own.py').name == 'own.py'
    assert config_path(f'mmresizemix::{NAME}') == CONFIGS / NAME
    assert config_path('mmdet::ssd/ssd300_coco.py').is_file()
    assert read_config('mmdet::ssd/ssd300_coco.py').model.type == 'SingleStageDetector'


@pytest.mark.parametrize('name, message', [
    ('nothere::ssd/x.py', "no package 'nothere' is installed"),
    ('mmresizemix::ssd/x.py', 'mmresizemix has no such config; its configs are in'),
    ('mmresizemix::nothere/x.py', 'no such config of mmresizemix'),
])
def test_a_name_that_means_nothing_says_so(name, message):
    with pytest.raises(FileNotFoundError, match=message):
        config_path(name)


def test_the_index_lists_every_config_once():
    index = Config.fromfile(MIM / 'model-index.yml')
    listed = []
    for metafile in index.Import:
        content = Config.fromfile(MIM / metafile)
        collections = {one.Name for one in content.Collections}
        for model in content.Models:
            assert model['In Collection'] in collections
            assert model.Config == f'configs/{metafile.split("/")[1]}/{model.Name}.py'
            listed.append(model.Config)
    runnable = [str(p.relative_to(MIM)) for p in CONFIGS.glob('*/*.py')
                if p.parent.name not in ('_base_', 'plans', 'demo', 'custom', 'study')]
    assert sorted(listed) == sorted(runnable)


@pytest.fixture
def run(python):
    """A function: ``run('train', ...)`` runs ``python -m mmresizemix train ...``. Keywords are its environment."""

    def _run(*arguments, **environment):
        return subprocess.run([python, '-m', 'mmresizemix', *arguments], capture_output=True, text=True,
                              env={**os.environ, **environment})

    return _run


def test_the_command_lists_every_tool_and_runs_it(run):
    listing = run().stdout
    for tool in TOOLS.glob('*.*'):
        assert f'  {tool.stem} ' in listing
    assert max(map(len, listing.splitlines())) <= 80
    assert run('--version').stdout == f'mmresizemix {mmresizemix.__version__}\n'
    helped = run('compare', '--help')
    assert helped.returncode == 0 and 'usage: compare.py' in helped.stdout
    unknown = run('nothing')
    assert unknown.returncode == 2 and 'no such tool; expected one of' in unknown.stderr
    assert 'usage: dist_train.sh' in run('dist_train').stderr


def test_a_script_starts_the_python_that_was_called(run, tmp_path):
    """The script does not start what PATH has under that name, so an environment need not be activated."""
    other = tmp_path / 'python'
    other.write_text('#!/bin/sh\necho another python\n')
    other.chmod(0o755)
    done = run('dist_train', 'a.py', 'no-number', PATH=f'{tmp_path}:{os.environ["PATH"]}')
    assert 'another' not in done.stdout and 'nproc_per_node value: no-number' in done.stderr


def test_a_configs_text_is_mmengines_and_formatted_once(monkeypatch):
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', format_code)
    ours, theirs = (read(CONFIGS / 'demo/ssd96_r18_scenes-voc.py')
                    for read in (read_config, Config.fromfile))
    text = theirs.pretty_text
    formatted, upstream = [], Config.pretty_text.fget
    monkeypatch.setattr(Config, 'pretty_text',
                        property(lambda self: formatted.append(self) or upstream(self)))
    assert ours.pretty_text == copy.deepcopy(ours).pretty_text == text
    assert len(formatted) == 1, "a runner's copy of it knows"
    assert pickle.loads(pickle.dumps(ours)).pretty_text == text
    ours.work_dir = 'elsewhere'
    assert ours.pretty_text != text
    assert "work_dir = 'elsewhere'" in ours.pretty_text
