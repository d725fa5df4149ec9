"""What mmpretrain's CIFAR becomes by our configs: read from files, in its colours, halved."""
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
MEAN = 255 * np.array([0.4914, 0.4822, 0.4465])  # of CIFAR-10's training pictures, red first
COUNT = 4  # pictures in each file


def load(name):
    init_default_scope('mmpretrain')
    return Config.fromfile(CONFIGS / name)


@pytest.fixture
def red(tmp_path, monkeypatch):
    """Draws a data set of red pictures in CIFAR's own format; gives the folder."""

    def draw(kind):
        labels = 'labels' if kind.base_folder.startswith('cifar-10-') else 'fine_labels'
        planes = np.zeros((COUNT, 3, 32, 32), np.uint8)
        planes[:, 0] = 255
        folder = tmp_path / kind.base_folder
        folder.mkdir()
        for files in ('train_list', 'test_list'):
            names = [name for name, _ in getattr(kind, files)]
            monkeypatch.setattr(kind, files, [(name, None) for name in names])  # no checksum
            for name in names:
                (folder / name).write_bytes(pickle.dumps(
                    {'data': planes.reshape(COUNT, -1), labels: list(range(COUNT))}))
        return str(tmp_path)

    return draw


@pytest.mark.parametrize('classes', [10, 100])
def test_files_are_read_and_stay_red_first(classes, red):
    cfg = load(f'cifar/wrn28-10_1xb256-200e_cifar{classes}.py')
    kind = DATASETS.get(f'CIFAR{classes}')
    root = red(kind)
    preprocessor = MODELS.build(dict(type='ClsDataPreprocessor', **cfg.data_preprocessor))
    for part, files in (('train', kind.train_list), ('test', kind.test_list)):
        dataset = DATASETS.build(dict(cfg[f'{part}_dataloader'].dataset, data_root=root))
        assert len(dataset) == COUNT * len(files)
        assert len(dataset.CLASSES) == cfg.model.head.num_classes == classes
        assert [dataset.get_gt_labels()[i] for i in range(COUNT)] == list(range(COUNT))
        batch = preprocessor(pseudo_collate([dataset[0]]), training=True)
        colour = batch['inputs'][0, :, 16, 16] * preprocessor.std.flatten()
        expected = torch.tensor([255., 0, 0]) - preprocessor.mean.flatten()
        assert torch.allclose(colour, expected, atol=1e-3)


def test_normalisation_is_cifars_and_red_first():
    mean = load('cifar/wrn28-10_1xb256-200e_cifar10.py').data_preprocessor.mean
    assert np.allclose(mean, MEAN, atol=1e-3)


def test_standard_augmentation_shifts_by_up_to_4_and_mirrors():
    """Black beyond the border; every place as often."""
    np.random.seed(0)
    augment = Compose(load('cifar/wrn28-10_1xb256-200e_cifar10.py').train_pipeline)
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[10, 20] = 255
    found = np.array([np.argwhere(augment(dict(img=picture, gt_label=0))['inputs'][0].numpy())[0]
                      for _ in range(2000)])
    assert set(found[:, 0]) == set(range(6, 15))
    assert set(found[:, 1]) == set(range(16, 25)) | {31 - x for x in range(16, 25)}
    assert np.bincount(found[:, 0])[6:].std() < 40


def bare(pipeline):
    """Without the scope that MMEngine notes beside what another package's config says."""
    return [{k: v for k, v in transform.items() if k != '_scope_'} for transform in pipeline]


HALVING = {'randcrop': 'RandomCrop', 'centercrop': 'CenterCrop', 'resize': 'Resize'}


@pytest.mark.parametrize('path', sorted((CONFIGS / 'half_resolution').glob('*.py')),
                         ids=lambda path: path.stem)
def test_halved_at_the_end_as_the_name_says(path):
    cfg = load(path)
    train, val = (next(kind for kind in HALVING if part.startswith(kind))
                  for part in path.stem.split('b256-' if 'cifar' in path.stem else 'b64-')[1]
                  .split('-val-'))
    whole = load(('cifar/wrn28-10_1xb256-200e_' if 'cifar' in path.stem else
                  'pretrain/resnet50_8xb64-300e_') + path.stem.rpartition('_')[2] + '.py')
    for part, kind in (('train', train), ('val', val), ('test', val)):
        pipeline = cfg[f'{part}_dataloader'].dataset.pipeline
        halve = pipeline.pop(-2)
        assert halve.type == HALVING[kind]
        assert bare(pipeline) == bare(whole[f'{part}_dataloader'].dataset.pipeline)


@pytest.mark.parametrize('classes', [10, 100])
def test_resizing_is_antialiased(classes):
    """A checkerboard becomes gray."""
    cfg = load(f'half_resolution/wrn28-10_1xb256-resize16-val-resize16-200e_cifar{classes}.py')
    board = np.indices((32, 32)).sum(0)[..., None] % 2 * np.full(3, 255)
    halved = Compose(cfg.test_dataloader.dataset.pipeline)(
        dict(img=board.astype(np.uint8), gt_label=0))['inputs']
    assert halved.shape == (3, 16, 16)
    assert abs(halved[:, 1:-1, 1:-1].int() - 127).max() <= 2
