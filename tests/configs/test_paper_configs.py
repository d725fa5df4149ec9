"""Every classifier's config of the paper's tables: its numbers (Sec. 5.1), and one step of training
by it, thinner, on drawn pictures."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from PIL import Image

from mmresizemix.policies.epoch import following_epochs
from mmresizemix.training.seeding import augments_of, seed_everything

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
ROOMS = ('cifar', 'saliency_study', 'half_resolution', 'pretrain')
ALL = sorted(str(p.relative_to(CONFIGS)) for room in ROOMS for p in (CONFIGS / room).glob('*.py'))
OF_CIFAR = [name for name in ALL if 'cifar' in Path(name).stem]
THIN = {
    'mmresizemix.WideResNet': (dict(depth=10, widen_factor=1), 64),
    'mmresizemix.ShakeShake': (dict(depth=8, base_channels=8), 32),
    'ResNet': (dict(depth=18, base_channels=8), 64),
}


@pytest.fixture(scope='module')
def picture(tmp_path_factory):
    """A JPEG, and CIFAR-sized pixels."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp('pictures') / 'noise.jpg'
    Image.fromarray(rng.integers(0, 256, (240, 300, 3), dtype=np.uint8)).save(path)
    return str(path), rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def load(name):
    init_default_scope('mmpretrain')
    return Config.fromfile(CONFIGS / name)


def thin_model(cfg):
    settings, channels = THIN[cfg.model.backbone.type]
    cfg.model.backbone.update(settings)
    cfg.model.head.in_channels = channels
    model = dict(cfg.model, data_preprocessor=cfg.data_preprocessor)
    return MODELS.build(model)


@pytest.mark.parametrize('name', OF_CIFAR)
def test_the_recipe_for_cifar_is_the_papers(name):
    cfg = load(name)
    shake = 'shakeshake' in name
    epochs = 1800 if shake else 200
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler.T_max == epochs
    assert f'{epochs}e_' in name
    assert cfg.param_scheduler.type == 'CosineAnnealingLR'
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum, optimizer.nesterov) == ('SGD', 0.9, True)
    assert (optimizer.lr, optimizer.weight_decay) == ((0.01, 1e-3) if shake else (0.1, 5e-4))
    twice = 'plus' in name
    assert cfg.train_dataloader.batch_size == (512 if twice else 256)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size
    assert ('BatchAugmentation' in cfg.train_dataloader.sampler.type) == twice
    backbone = cfg.model.backbone
    assert (backbone.depth, backbone.get('widen_factor'), backbone.get('base_channels')) == (
        (26, None, 96) if shake else (28, 10, None))
    classes = 100 if 'cifar100' in name else 10
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == classes
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.type == f'CIFAR{classes}'
    assert cfg.data_preprocessor.to_rgb is False, 'CIFAR comes as RGB'


@pytest.mark.parametrize('name', ALL)
def test_one_step_of_training(name, picture):
    cfg = load(name)
    seed_everything(0)
    model = thin_model(cfg)
    model.init_weights()
    sample = (dict(img=picture[1].copy(), gt_label=3) if name in OF_CIFAR else
              dict(img_path=picture[0], gt_label=3))
    pipelines = [Compose(cfg[f'{part}_dataloader'].dataset.pipeline) for part in ('train', 'val')]
    for transform in following_epochs(pipelines[0].transforms):
        transform.set_epoch(10, cfg.train_cfg.max_epochs)
    side = (16 if name in OF_CIFAR else 112) * (1 if name.startswith('half') else 2)
    for pipeline in pipelines:
        assert pipeline(dict(sample))['inputs'].shape == (3, side, side)
    for augment in augments_of(model):
        augment.attach(model)
        augment.set_epoch(0, 0)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    before = [p.detach().clone() for p in model.parameters()]
    losses = model.train_step(pseudo_collate([pipelines[0](dict(sample)) for _ in range(4)]),
                              optimizer)
    assert all(torch.isfinite(v).all() for v in losses.values())
    changed = [not torch.equal(a, b) for a, b in zip(before, model.parameters())]
    # ResNet's residual branches begin as 0: what is in them learns from the second step on
    assert np.mean(changed) > 0.4 if cfg.model.backbone.type == 'ResNet' else all(changed)


ROWS_OF_TABLE_1 = {  # the regions in the config, and what the mixes tell of them
    'random-to-same': ('random', 'corresponding', {'corresponding'}),
    'random-to-non-salient': ('random', 'non_salient', {'non_salient target'}),
    'random-to-salient': ('random', 'salient', {'salient target'}),
    'random-to-random': ('random', 'random', set()),
    'non-salient-to-random': ('non_salient', 'random', {'non_salient source'}),
    'salient-to-random': ('salient', 'random', {'salient source'})}
TOLD = {f'saliency_study/wrn28-10_1xb256-cut-{row}': told
        for row, (_, _, told) in ROWS_OF_TABLE_1.items()}
TOLD['cifar/wrn28-10_1xb256-resizemix'] = {'resized'}


@pytest.mark.parametrize('row', ROWS_OF_TABLE_1)
def test_rows_of_table_1_differ_in_their_regions_alone(row):
    study = load(f'saliency_study/wrn28-10_1xb256-cut-{row}-200e_cifar100.py')
    resizemix = load('cifar/wrn28-10_1xb256-resizemix-200e_cifar100.py')
    mix, other = study.model.train_cfg.augments, resizemix.model.train_cfg.augments
    assert (mix.source_region, mix.paste_region) == ROWS_OF_TABLE_1[row][:2]
    assert mix.type == 'mmresizemix.PatchMix' and mix.per == other.per == 'batch'
    assert mix.get('scale_range', (0.1, 0.8)) == other.scale_range
    for cfg in (study, resizemix):
        cfg.model.pop('train_cfg')
        for name in ('methods', 'operations'):
            cfg.pop(name)
    assert study.to_dict() == resizemix.to_dict()


def is_around_one_of(box, pixels):
    """Eqs. 12-14: the box has one of ``pixels`` in its middle, or was moved inside the picture."""
    x, y = pixels.nonzero().flip(1).T
    fits = [low == (at - (high - low) // 2).clamp(0, side - (high - low)) for at, low, high, side in
            ((x, box[0], box[2], pixels.shape[1]), (y, box[1], box[3], pixels.shape[0]))]
    return bool((fits[0] & fits[1]).any())


def what_is_pasted(mixes, heats):
    """Where all patches of a training were from and went, as far as the mixes tell."""
    told = set()
    source, target = (torch.cat([getattr(mix, name) for mix in mixes]) for name in
                      ('source', 'target'))
    if torch.equal(source, target):
        told.add('corresponding')
    if not torch.equal(*(box[:, 2:] - box[:, :2] for box in (source, target))):
        told.add('resized')
    if heats[0] is None:
        return told
    ends = dict(salient=lambda A: A == A.max(), non_salient=lambda A: A == A.min())
    for what, extreme in ends.items():
        for side in ('source', 'target'):
            if all(is_around_one_of(box, extreme(heat[mix.partner[i] if side == 'source' else i]))
                   for mix, heat in zip(mixes, heats)
                   for i, box in enumerate(getattr(mix, side))):
                told.add(f'{what} {side}')
    return told


@pytest.mark.parametrize('row', TOLD)
def test_rows_of_table_1_are_told_apart_by_what_they_paste_where(row, monkeypatch):
    """By the mixes of three steps of training and the model's own heat at each."""
    cfg = load(f'{row}-200e_cifar100.py')
    seed_everything(0)
    model = thin_model(cfg)
    model.init_weights()
    [augment] = augments_of(model)
    augment.attach(model)
    augment.set_epoch(0, 0)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    mixes, heats = [], []

    def draw(batch_size, size, saliency=None, drawn=augment.draw):
        mixes.append(drawn(batch_size, size, *(() if saliency is None else (saliency, ))))
        heats.append(saliency)
        return mixes[-1]

    monkeypatch.setattr(augment, 'draw', draw)
    rng = np.random.default_rng(0)
    for _ in range(3):
        pictures = rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
        batch = [pipeline(dict(img=img, gt_label=i)) for i, img in enumerate(pictures)]
        model.train_step(pseudo_collate(batch), optimizer)
    assert len(mixes) == 3
    assert what_is_pasted(mixes, heats) == TOLD[row]


def test_randaugment_before_and_after_differ_in_their_order_alone():
    """Table 7."""
    before = load('cifar/wrn28-10_1xb256-randaugment-resizemix-200e_cifar100.py')
    after = load('cifar/wrn28-10_1xb256-resizemix-randaugment-200e_cifar100.py')
    first = [t for t in before.train_dataloader.dataset.pipeline if 'RandAugment' in t.type]
    then = after.model.train_cfg.augments
    settings = dict(first[0])
    assert settings.pop('type') == 'torchvision/RandAugment'
    assert then.transforms == [dict(type='RandAugment', **settings)]
    mix = dict(then.mix)
    assert mix == before.model.train_cfg.augments
    assert not any('RandAugment' in t.type for t in after.train_dataloader.dataset.pipeline)
