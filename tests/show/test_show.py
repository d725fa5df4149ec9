"""Tests of the sheets of methods and heatmaps, by a classifier of torchvision with random weights."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from torchvision import models

from mmresizemix.batch_augments import Mixup, PatchMix
from mmresizemix.show.cams import show_cams
from mmresizemix.show.classifier import (
    Normalisation,
    build_classifier,
    last_layer_with_maps,
    load_classifier,
    read_square,
)
from mmresizemix.show.folder import METHODS, show_folder_mix
from mmresizemix.show.methods import MIXES, show_methods
from mmresizemix.transfer import CheckpointError

NAME = 'torchvision:squeezenet1_1'


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pair')
    rng = np.random.default_rng(0)
    for name, shape in (('a.png', (40, 60)), ('b.jpg', (80, 50))):
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(folder / name)
    return folder / 'a.png', folder / 'b.jpg'


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'squeezenet.pth'
    torch.save(models.squeezenet1_1().state_dict(), path)
    return load_classifier(NAME, path)


def pixels(path):
    return np.asarray(Image.open(path).convert('RGB')).astype(int)


def test_normalisation_there_and_back():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    for rgb in (True, False):
        known = Normalisation((123.7, 116.3, 103.5), (58.4, 57.1, 57.4), rgb)
        inputs = known.apply(pictures)
        assert inputs.shape == (2, 3, 5, 6)
        assert np.array_equal(known.undo(inputs), pictures)
    first = (pictures[0, 0, 0, 2] - 123.7) / 58.4  # BGR models get blue first
    assert inputs[0, 0, 0, 0].item() == pytest.approx(first, abs=1e-4)


@pytest.mark.parametrize('config', [
    'pretrain/resnet50_8xb64-300e_in1k.py', 'pretrain/resnet50_8xb64-randaugment-300e_in1k.py',
    'cifar/wrn28-10_1xb256-200e_cifar10.py', 'cifar/wrn28-10_1xb256-randaugment-200e_cifar10.py'])
def test_our_classifiers_see_red_first(config):
    """CIFAR's pictures are in RGB already (to_rgb=False). The preprocessor changes the order of loaded pictures."""
    cfg = Config.fromfile(Path(__file__).resolve().parents[2] / 'configs' / config)
    cfg.model.backbone = (dict(type='mmresizemix.WideResNet', depth=10, widen_factor=1)
                          if 'cifar' in config else dict(type='ResNet', depth=18))
    init_default_scope('mmpretrain')
    assert build_classifier(cfg)[1].rgb


def test_the_middle_square(tmp_path):
    picture = np.zeros((20, 60, 3), np.uint8)
    picture[:, 20:40] = 200
    Image.fromarray(picture).save(tmp_path / 'wide.png')
    found = read_square(tmp_path / 'wide.png', 10)
    assert found.shape == (10, 10, 3) and (found[:, 1:-1] == 200).all()


def test_without_a_classifier_those_who_ask_one_say_so(pair, tmp_path):
    path = show_methods(*pair, tmp_path / 'sheet.png', size=32)
    assert pixels(path).shape[0] > 600


def test_with_one_every_method_is_drawn(pair, tmp_path, classifier):
    without = show_methods(*pair, tmp_path / 'without.png', size=64)
    path = show_methods(*pair, tmp_path / 'sheet.png', size=64, classifier=classifier)
    coloured = [(np.ptp(pixels(p), axis=2) > 60).mean() for p in (without, path)]
    assert coloured[1] > coloured[0], 'panels stayed empty'


def test_the_sheet_has_every_row_of_table_1():
    regions = {(a.source_region, a.paste_region) for a in (kind(seed=0) for kind in MIXES.values())
               if isinstance(a, PatchMix)}
    assert regions == {('random', 'corresponding'), ('random', 'non_salient'),
                       ('random', 'salient'), ('random', 'random'), ('non_salient', 'random'),
                       ('salient', 'random')}


def test_cams_of_both_classes(pair, tmp_path, classifier):
    given = show_cams(*pair, tmp_path / 'cam.png', classifier, classes=['tench', '5'], size=64)
    other = show_cams(*pair, tmp_path / 'other.png', classifier, classes=['tench', '7'], size=64)
    a, b = pixels(given), pixels(other)
    assert a.shape == b.shape
    changed = (np.abs(a - b).sum(2) > 30).any(0)
    width = a.shape[1]
    assert changed[2 * width // 3:].any(), 'the heat of the other class did not change'


def test_the_last_layer_with_maps(classifier):
    assert last_layer_with_maps(classifier) == 'classifier.2'  # the maps are pooled after it


def test_errors_name_what_is_wrong(pair, tmp_path, classifier):
    with pytest.raises(ValueError, match="class: expected .*below 1000, got 'dingoo'"):
        show_cams(*pair, tmp_path / 'x.png', classifier, classes=['tench', 'dingoo'])
    with pytest.raises(ValueError, match="layer: no module 'layer9' in SqueezeNet; it has feat"):
        show_cams(*pair, tmp_path / 'x.png', classifier, layer='layer9')
    torch.save(models.mobilenet_v3_small(num_classes=3).state_dict(), tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match='other.pth: does not fit torchvision:squeezenet'):
        load_classifier(NAME, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='torchvision:resnet5: torchvision has no such class'):
        load_classifier('torchvision:resnet5', tmp_path / 'other.pth')


def test_shares_are_drawn_for_those_who_blend(tmp_path):
    from mmresizemix.show.mixed_batch import show_mix
    x, y = torch.rand(2, 3, 16, 16), torch.eye(2)
    augment = Mixup(seed=0)
    mix = augment.draw(2, (16, 16))
    after, scores = augment.apply(mix, x, y)
    known = Normalisation(std=(1 / 255, ) * 3)
    path = show_mix(tmp_path / 'm.png', mix, before=known.undo(x), after=known.undo(after), scores_before=y,
                    scores_after=scores, classes='ab')
    assert pixels(path).shape[0] > 750, 'four rows'


@pytest.fixture
def folder(tmp_path):
    """A folder with five pictures in two classes, of any size and mode, with a broken picture, and with a text."""
    rng = np.random.default_rng(0)
    for i, (mode, size) in enumerate([('RGB', (50, 40)), ('L', (40, 60)), ('RGBA', (32, 32)),
                                      ('P', (33, 70)), ('CMYK', (48, 48))]):
        picture = Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).convert(mode)
        path = tmp_path / 'pictures' / ('cat', 'dog')[i % 2] / f'{i}'
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path.with_suffix('.jpg' if mode in ('L', 'CMYK') else '.PNG'))
    (tmp_path / 'pictures/broken.jpg').write_bytes(b'no picture')
    (tmp_path / 'pictures/notes.txt').write_text('text')
    return tmp_path / 'pictures'


@pytest.mark.parametrize('method', METHODS)
def test_a_folder_of_pictures_is_mixed_without_a_config(folder, tmp_path, capsys, method):
    out = show_folder_mix(folder, tmp_path / 'mixed.png', method, samples=9, size=32)
    assert Image.open(out).size[0] > 500
    assert 'left out: ' in capsys.readouterr().err


def test_the_folders_method_takes_settings(folder, tmp_path, tool):
    done = tool('show_mix', '--pictures', folder, tmp_path / 'mixed.png', '--samples', 3,
                '--cfg-options', 'scale_range=0.2,0.5')
    assert done.returncode == 0, done.stderr
    with pytest.raises(ValueError, match="cutmix: .*unexpected keyword argument 'scale_range'"):
        show_folder_mix(folder, tmp_path / 'x.png', 'cutmix', settings=dict(scale_range=(.2, .5)))


def test_a_folder_without_pictures_says_so(tmp_path, tool):
    done = tool('show_mix', '--pictures', tmp_path, tmp_path / 'mixed.png')
    assert done.returncode == 1 and 'expected at least two pictures' in done.stderr
