"""What the import says about packages that are missing or too old."""
import ast
import types
from pathlib import Path

import pytest

import mmresizemix
from mmresizemix import stack


@pytest.mark.parametrize('found, minimum, older', [
    ('2.3.1', '2.4', True), ('2.4.0', '2.4', False), ('2.15.0+cu130', '2.4', False),
    ('3.3.0rc1', '3.3.0', False), ('0.10.12', '0.10.7', False), ('2.10.0a0+git', '2.4', False),
])
def test_versions_are_compared_as_numbers(found, minimum, older):
    assert (stack._release(found) < stack._release(minimum)) == older


def test_too_old_packages_are_all_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(stack, 'import_module', lambda name: types.SimpleNamespace(
        __version__={'mmdet': '3.0.0', 'mmcv': '1.7.1'}.get(name, '99.0')))
    with pytest.raises(ImportError) as error:
        stack.check_versions()
    for part in ('mmdet >= 3.3.0 (found 3.0.0)', 'mmcv >= 2.1.0 (found 1.7.1)', 'pip install'):
        assert part in str(error.value)


def test_a_server_without_windows_is_told_of_the_opencv_without(monkeypatch):
    def import_module(name):
        raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')

    monkeypatch.setattr(stack, 'import_module', import_module)
    with pytest.raises(ImportError, match='libGL.*pip install opencv-python-headless'):
        stack.check_versions()


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match='NoSuchThing'):
        mmresizemix.NoSuchThing


def test_every_public_name_resolves():
    for name in mmresizemix.__all__:
        assert getattr(mmresizemix, name) is not None
        assert name in dir(mmresizemix)


def test_editors_are_told_of_every_public_name():
    """Those under TYPE_CHECKING are where the lazy import finds them."""
    [block] = [node for node in ast.parse(Path(mmresizemix.__file__).read_text(encoding='utf-8')).body
               if isinstance(node, ast.If) and getattr(node.test, 'id', '') == 'TYPE_CHECKING']
    told = {alias.asname: line.module.split('.')[0] for line in block.body for alias in line.names}
    assert told == mmresizemix._ROOM_OF


def test_two_families_of_one_name_are_warned_of(monkeypatch):
    monkeypatch.setattr(stack, '_is_installed', {'mmdet', 'onedl-mmdetection', 'mmcv'}.__contains__)
    with pytest.warns(UserWarning, match='^mmdet and onedl-mmdetection are both installed'):
        stack.warn_of_mixed_families()
