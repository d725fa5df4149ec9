"""Tests of what the import says about packages that are missing or too old."""
import ast
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from mmengine.registry import Registry

import mmresizemix
from mmresizemix.contents import PUBLIC, parts_in
from mmresizemix.openmmlab import stack

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('found, minimum, older', [
    ('2.3.1', '2.4', True), ('2.4.0', '2.4', False), ('2.15.0+cu130', '2.4', False),
    ('3.3.0rc1', '3.3.0', False), ('0.10.12', '0.10.7', False), ('2.10.0a0+git', '2.4', False),
])
def test_versions_are_compared_as_numbers(found, minimum, older):
    assert (stack._release(found) < stack._release(minimum)) == older


def test_too_old_packages_are_all_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(stack, '_installed', {'mmdet': '3.0.0', 'mmcv-lite': '1.7.1', 'torch': '2.4',
                                              'onedl-mmengine': '99.0', 'mmpretrain': '1.2.0'}.get)
    with pytest.raises(ImportError) as error:
        stack.check_versions()
    for part in ('mmdet >= 3.3.0 (found 3.0.0)', 'mmcv >= 2.1.0 (found 1.7.1)', 'pip install'):
        assert part in str(error.value)
    assert str(error.value).count('found') == 2


def test_a_package_without_metadata_is_asked_itself(monkeypatch):
    monkeypatch.setattr(stack, '_installed', lambda _: None)
    monkeypatch.setattr(stack, 'import_module', lambda name: types.SimpleNamespace(__version__='0.1'))
    assert stack.is_older('torch', '2.4')


def test_a_server_without_windows_is_told_of_the_opencv_without(tmp_path):
    """The message comes whoever imports OpenCV, and whenever."""
    (tmp_path / 'cv2.py').write_text('raise ImportError("libGL.so.1: cannot open shared object file")\n')
    done = subprocess.run([sys.executable, '-c', 'import mmresizemix, mmcv'], capture_output=True, text=True,
                          env={**os.environ, 'PYTHONPATH': str(tmp_path)})
    assert done.returncode == 1
    assert 'libGL' in (last := done.stderr.splitlines()[-1]) and 'pip install opencv-python-headless' in last


def test_reading_plans_and_runs_imports_no_pytorch():
    code = '''import sys
from pathlib import Path
import mmresizemix.datasets, mmresizemix.report.make
from mmresizemix.plan import carry_out
from mmresizemix.plan.build_stages import read_stages
read_stages("configs/plans/table5.py", Path(sys.argv[1]))
print({"torch", "torchvision", "mmcv", "mmdet", "mmpretrain"} & set(sys.modules))'''
    done = subprocess.run([sys.executable, '-c', code, 'nowhere'], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == 'set()\n', done.stderr


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match='NoSuchThing'):
        mmresizemix.NoSuchThing


def test_every_public_name_resolves():
    for name in mmresizemix.__all__:
        assert getattr(mmresizemix, name) is not None
        assert name in dir(mmresizemix)


def test_editors_are_told_of_every_public_name():
    """The names under TYPE_CHECKING are where the lazy import finds them."""
    [block] = [node for node in ast.parse(Path(mmresizemix.__file__).read_text(encoding='utf-8')).body
               if isinstance(node, ast.If) and getattr(node.test, 'id', '') == 'TYPE_CHECKING']
    told = {alias.asname: line.module.split('.')[0] for line in block.body for alias in line.names}
    assert told == {part.name: part.room for part in PUBLIC.values()}


def test_two_families_of_one_name_are_warned_of(monkeypatch):
    monkeypatch.setattr(stack, '_installed', dict.fromkeys(['mmdet', 'onedl-mmdetection', 'mmcv'], '9').get)
    with pytest.warns(UserWarning, match='^mmdet and onedl-mmdetection are both installed'):
        stack.warn_of_mixed_families()


def test_what_is_registered_is_in_the_table_of_contents():
    """Each part is where the table says, and nothing else is registered."""
    from mmresizemix import registry
    from mmresizemix.batch_augments.registered import BATCH_AUGMENTS
    ours = {name: value for name, value in vars(registry).items() if isinstance(value, Registry)}
    for name, found in {**ours, 'BATCH_AUGMENTS': BATCH_AUGMENTS}.items():
        found.import_from_location()
        assert sorted(found.module_dict) == sorted(part.name for part in parts_in(name)), name
