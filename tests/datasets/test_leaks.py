"""Tests that pictures of a test set that the pretraining has seen are found."""
import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mmresizemix.datasets import Leaks, draw_scene, find_leaks, picture_rng, show_leaks
from mmresizemix.datasets.leaks import NEAR


def scene(index: int, side: int = 160) -> Image.Image:
    return Image.fromarray(draw_scene((side, side), picture_rng(0, 'leaks', index)).pixels)


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('drawn')
    for name, first in (('seen', 0), ('tested', 100)):
        (root / name).mkdir()
        for i in range(first, first + 12):
            scene(i).save(root / name / f'{i}.png')
    return root


@pytest.fixture
def folders(drawn, tmp_path):
    """Two folders that a test may change: (pictures of pretraining, pictures of a test)."""
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return tmp_path / 'seen', tmp_path / 'tested'


def leaks_of(folders) -> Leaks:
    return find_leaks(*(sorted(folder.iterdir()) for folder in folders))


def test_drawn_scenes_that_only_resemble_each_other_are_no_leaks(folders):
    leaks = leaks_of(folders)
    assert leaks == Leaks(seen=12, tested=12, unreadable=0, pairs=())
    assert str(leaks).startswith('None of 12 test pictures is among the 12 pictures of pretraining')


def test_the_same_file_under_another_name_is_found(folders):
    seen, tested = folders
    shutil.copy(seen / '3.png', tested / 'other.png')
    [pair] = leaks_of(folders).pairs
    assert (pair.seen.name, pair.tested.name, pair.distance) == ('3.png', 'other.png', None)


@pytest.mark.parametrize('change', [
    lambda picture: picture.resize((64, 64), Image.Resampling.BILINEAR),
    lambda picture: picture.resize((320, 200), Image.Resampling.BICUBIC),
    lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    lambda picture: picture.convert('L'),
], ids=['smaller', 'stretched', 'darker', 'gray'])
def test_a_copy_of_another_size_quality_or_brightness_is_found(folders, change):
    change(scene(3)).save(folders[1] / 'copy.jpg', quality=70)
    [pair] = leaks_of(folders).pairs
    assert (pair.seen.name, pair.tested.name) == ('3.png', 'copy.jpg') and pair.distance <= NEAR


def test_pictures_of_one_colour_are_not_all_one_picture(folders):
    for folder, shade in zip(folders, (200, 210)):
        noise = np.random.default_rng(shade).integers(0, 3, (64, 64), dtype=np.uint8)
        Image.fromarray(shade + noise).save(folder / 'wall.png')
    assert leaks_of(folders).pairs == ()


def test_what_cannot_be_read_is_counted(folders):
    (folders[0] / 'broken.png').write_bytes(b'no picture')
    leaks = leaks_of(folders)
    assert leaks.unreadable == 1 and str(leaks).endswith('; 1 files could not be read.')


def test_what_was_found_is_written_read_said_and_drawn(folders, tmp_path):
    seen, tested = folders
    shutil.copy(seen / '3.png', tested)
    scene(4).resize((90, 90)).save(tested / '4.png')
    leaks = leaks_of(folders)
    assert Leaks.read(leaks.write(tmp_path / 'new/leaks.json')) == leaks
    assert 'Of 14 test pictures, pretraining has seen 1 as the same file and 1 as a near copy' in str(leaks)
    with Image.open(show_leaks(leaks, tmp_path / 'leaks.png')) as drawn:
        assert drawn.size == (320, 336)
        above, below = (np.asarray(drawn.crop((4, y, 156, y + 150)), float) for y in (4, 164))
        assert np.abs(above - below).mean() < 1, 'the same picture above and below'


def test_the_command_takes_folders_and_configs(tool, folders, tmp_path):
    done = tool('find_leaks', *folders, tmp_path / 'leaks.json')
    assert done.returncode == 0 and 'None of 12 test pictures' in done.stdout
    assert Leaks.read(tmp_path / 'leaks.json').seen == 12
    empty = tmp_path / 'empty'
    empty.mkdir()
    failed = tool('find_leaks', empty, folders[1], tmp_path / 'leaks.json')
    assert failed.returncode == 1 and f'{empty}: no pictures' in failed.stderr
