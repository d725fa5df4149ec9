"""Tests that the name of a pretraining says what was trained, wherever a config says it."""
import inspect
from copy import deepcopy
from pathlib import Path

import mmpretrain.models
import pytest
from mmpretrain.registry import BATCH_AUGMENTS, MODELS

import mmresizemix
from mmresizemix.openmmlab.installed import CONFIGS, read_config
from mmresizemix.runs.config_text import read_config_text
from mmresizemix.runs.method_name import ASIDE, ORDINARY, PLAIN, method_of, settings_of

OURS = 'mmresizemix.'
RESIZEMIX = dict(type='mmresizemix.ResizeMix')
CUTMIX = dict(type='CutMix', alpha=1.0)


def config(augments=None, probs=None, steps=(), **more):
    """Return the config of a classifier with these batch augments and these steps in its pipeline."""
    train_cfg = {} if augments is None else dict(augments=augments, **({} if probs is None else dict(probs=probs)))
    pipeline = [dict(type='LoadImageFromFile'), dict(type='RandomResizedCrop', scale=32), *steps,
                dict(type='PackInputs')]
    return dict(default_scope='mmpretrain', model=dict(
        type='ImageClassifier', backbone=dict(type='ResNet', depth=18), train_cfg=train_cfg),
        train_dataloader=dict(dataset=dict(type='CustomDataset', pipeline=pipeline)), **more)


@pytest.mark.parametrize('augments, probs, name', [
    (None, None, 'baseline'),
    (dict(RESIZEMIX), None, 'resizemix-persample'),
    (dict(RESIZEMIX, per='batch', interpolation='nearest', inplace=True, seed=3), None, 'resizemix'),
    (dict(RESIZEMIX, per='batch'), None, 'resizemix(interpolation=bilinear)'),
    (dict(RESIZEMIX, scale_range=(0.2, 0.5)), None, 'resizemix-persample(scale_range=[0.2, 0.5])'),
    (dict(RESIZEMIX, scale_range=[0.1, 0.8], prob=1.0), None, 'resizemix-persample'),
    (dict(RESIZEMIX, prob=0.5), None, 'resizemix-persample(prob=0.5)'),
    (dict(RESIZEMIX, prob=0), None, 'baseline'),
    ([dict(RESIZEMIX, prob=0), dict(CUTMIX)], None, 'baseline+cutmix'),
    (dict(type='mmresizemix.CutMix', per='batch'), None, 'cutmix'),
    (dict(type='mmresizemix.RecursiveMix', per='batch', placement='clipped', interpolation='nearest'), None,
     'recursivemix'),
    (dict(type='mmresizemix.RecursiveMix'), None, 'recursivemix-persample'),
    (dict(CUTMIX), None, 'cutmix'),
    (dict(type='CutMix', alpha=0.2), None, 'cutmix(alpha=0.2)'),
    (dict(type='mmpretrain.ResizeMix', alpha=1.0), None, 'mmpretrain-resizemix'),
    (dict(type='ResizeMix', alpha=1.0, lam_max=0.5), None, 'mmpretrain-resizemix(lam_max=0.5)'),
    ([dict(type='Mixup', alpha=1.0), CUTMIX], None, 'mixup+cutmix'),
    ([dict(type='Mixup', alpha=1.0), CUTMIX], [0.5, 0.3], 'mixup(0.5 of batches)+cutmix(0.3 of batches)'),
    ([CUTMIX], 0.5, 'cutmix(0.5 of batches)'), ([CUTMIX], [1.0], 'cutmix'),
    (dict(type='their.PastyMix', strength=2), None, 'their-pastymix(strength=2)'),
    (dict(type='their.CutMix', alpha=1.0), None, 'their-cutmix(alpha=1)'),
    (dict(type='openmmixup.ResizeMix', alpha=1.0), None, 'openmmixup-resizemix(alpha=1)'),
    (dict(type='mmpretrain.models.utils.ResizeMix', alpha=1), None, 'mmpretrain-resizemix'),
    (dict(type='CutMix', alpha=1), None, 'cutmix'), (dict(type='CutMix', alpha=True), None, 'cutmix(alpha=true)'),
    (dict(RESIZEMIX, prob=0), [0.5], 'baseline'), ([dict(RESIZEMIX), CUTMIX], [0, 1], 'cutmix'),
    ([dict(RESIZEMIX), CUTMIX], (0.0, 0.5), 'cutmix(0.5 of batches)'), ([CUTMIX], [0.0], 'baseline'),
    (5, None, None), ('CutMix', None, None), ([CUTMIX], [0.1, 0.2], None), ([CUTMIX], 1j, None), ([CUTMIX], [-1], None),
    ([CUTMIX, dict(alpha=1.0)], None, None),
])
def test_batch_augments_with_their_settings(augments, probs, name):
    assert method_of(config(augments, probs)) == name


@pytest.mark.parametrize('more, name', [
    (dict(mix=RESIZEMIX), 'resizemix-persample+randaugment(num_ops=2) of the mix'),
    (dict(mix=dict(type='ResizeMix')), 'resizemix-persample+randaugment(num_ops=2) of the mix'),
    (dict(mix=RESIZEMIX, mean=[1, 2, 3], std=[4, 5, 6]), 'resizemix-persample+randaugment(num_ops=2) of the mix'),
    (dict(mix=RESIZEMIX, transforms=[dict(type='RandomHorizontalFlip')]), 'resizemix-persample'),
    (dict(mix=dict(RESIZEMIX, prob=0), transforms=[dict(type='RandomHorizontalFlip')]), 'baseline'),
    (dict(mix=RESIZEMIX, transforms=[dict(size=3)]), None), (dict(mix=RESIZEMIX, transforms=3), None),
    (dict(mix={}), None), (dict(mix=dict(type=5)), None), (dict(mix='ResizeMix'), None), ({}, None),
])
def test_augmenting_after_mixing(more, name):
    augment = dict(type='mmresizemix.MixThenAugment', transforms=[dict(type='RandAugment', num_ops=2)])
    assert method_of(config({**augment, **more})) == name


def test_the_preprocessors_augments_are_the_ones_that_are_used():
    """MMPretrain takes those of train_cfg only if the preprocessor has none."""
    cfg = config(dict(RESIZEMIX))
    cfg['model']['data_preprocessor'] = dict(batch_augments=dict(augments=CUTMIX, probs=[0.5]))
    assert method_of(cfg) == 'cutmix(0.5 of batches)'
    cfg['model'].pop('data_preprocessor')
    cfg['data_preprocessor'] = dict(batch_augments=None)
    assert method_of(cfg) == 'baseline'


@pytest.mark.parametrize('steps, name', [
    ([dict(type='RandomFlip', prob=0.5), dict(type='NumpyToPIL'), dict(type='torchvision/ToTensor')], 'baseline'),
    ([dict(type='mmresizemix.SearchedPolicy', name='aa_imagenet')], 'aa_imagenet'),
    ([dict(type='RandAugment', magnitude_level=9, num_policies=2)], 'randaugment(magnitude_level=9, num_policies=2)'),
    ([dict(type='ColorJitter', brightness=0.4)], 'colorjitter(brightness=0.4)'),
    ([dict(type='their.ResizeMixPaste')], 'their-resizemixpaste'), ([dict(type='RandomCropPaste')], 'randomcroppaste'),
    ([dict(type='their.Resize', scale=3)], 'their-resize(scale=3)'),
    ([dict(type='mmcv.transforms.RandomFlip'), dict(type='mmresizemix.LoadRandomResizedCrop')], 'baseline'),
])
def test_what_a_pipeline_does_beyond_the_ordinary(steps, name):
    assert method_of(config(steps=steps)) == name
    mixed = method_of(config(dict(RESIZEMIX), steps=steps))
    assert mixed == ('resizemix-persample' if name == 'baseline' else f'resizemix-persample+{name}')


def test_ordinary_steps_are_those_of_a_package_that_is_installed():
    import mmpretrain.datasets  # noqa: F401
    from mmpretrain.registry import TRANSFORMS
    known = {*TRANSFORMS.module_dict, *TRANSFORMS.parent.module_dict, *mmresizemix.__all__}
    assert {name.rpartition('/')[2].lower() for name in known} >= ORDINARY


def joined(*datasets, **more):
    """Return a config whose data set joins these, inside of a repeated one."""
    found = config()
    found['train_dataloader']['dataset'] = dict(type='RepeatDataset', dataset=dict(
        type='ConcatDataset', datasets=list(datasets), **more))
    return found


def test_every_data_set_that_is_joined_counts():
    plain, jitter = (dict(type='CustomDataset', pipeline=[dict(type='LoadImageFromFile'), *steps, dict(
        type='PackInputs')]) for steps in ([], [dict(type='ColorJitter', hue=0.4)]))
    assert method_of(joined(plain, plain)) == 'baseline'
    assert method_of(joined(jitter, dict(type='KFoldDataset', dataset=jitter))) == 'colorjitter(hue=0.4)'
    assert method_of(joined(plain, jitter)) is None and method_of(joined(plain, 5)) is None
    assert method_of(joined(plain, pipeline=[dict(type='Lighting')])) == 'lighting'


def pretrained(file):
    return dict(type='Pretrained', checkpoint=file)


@pytest.mark.parametrize('model, more', [
    ({}, dict(load_from='a/moco.pth')), ({}, dict(load_from='https://b.c/moco.pth')),
    (dict(init_cfg=pretrained('a/moco.pth')), {}), (dict(init_cfg=[pretrained('b/moco.pth')]), {}),
    (dict(backbone=dict(type='ResNet', init_cfg=pretrained('moco.pth'))), {}), (dict(pretrained='a/moco.pth'), {}),
    (dict(type='TimmClassifier', model_name='moco.pth', pretrained=True), {}),
])
def test_a_training_that_starts_from_weights_says_their_file(model, more):
    cfg = config(dict(CUTMIX), **more)
    cfg['model'].update(model)
    assert method_of(cfg) == 'cutmix+from(moco.pth)'
    plain = config(dict(CUTMIX))
    plain['model'].update({k: None if k in ('init_cfg', 'pretrained') else v for k, v in model.items()})
    plain['model']['backbone'] = {**plain['model']['backbone'], 'init_cfg': None}
    assert settings_of(cfg) != settings_of(plain) and method_of(plain) == 'cutmix'


def test_the_folder_of_the_weights_does_not_count_and_a_resumed_run_is_the_same():
    def names(**more):
        return method_of(config(**more)), settings_of(config(**more))

    assert names(load_from='a/x.pth') == names(load_from='b/x.pth') != names(load_from='a/y.pth')
    assert names(load_from='run/epoch_3.pth', resume=True) == names()
    assert names(load_from='run/epoch_3.pth', resume=True, started_from='a/x.pth') == names(load_from='a/x.pth')
    for where in ('model', 'backbone'):
        found = []
        for file in ('a/x.pth', 'b/x.pth', 'y.pth'):
            cfg = config()
            (cfg['model'] if where == 'model' else cfg['model']['backbone'])['init_cfg'] = pretrained(file)
            found.append((method_of(cfg), settings_of(cfg)))
        assert found[0] == found[1] and found[0][1] != found[2][1]
    assert names(load_from=5)[0] is None
    cfg = config()
    cfg['model']['backbone']['init_cfg'] = pretrained('')
    assert method_of(cfg) is None, 'it starts from something that the config does not name'


def test_two_policies_of_unlike_lists_have_unlike_names():
    names = {method_of(config(steps=[dict(type='AutoAugment', policies=[[dict(type='Rotate', angle=a)]])]))
             for a in (10, 20)}
    assert len(names) == 2 and all(name.startswith('autoaugment(policies=') for name in names)


def test_a_method_that_changes_during_training_has_no_name():
    cfg = config(dict(CUTMIX), custom_hooks=[dict(type='SwitchRecipeHook', schedule=[dict(
        action_epoch=5, batch_augments=None)])])
    assert method_of(cfg) is None


@pytest.mark.parametrize('cfg', [{}, dict(model=3), dict(model=dict(backbone={})),
                                 dict(model=dict(type='ImageClassifier', train_cfg=3))])
def test_a_config_that_does_not_say_it(cfg):
    assert method_of(cfg) is None


ALGORITHMS = sorted(name for name, cls in MODELS.module_dict.items()
                    if inspect.isclass(cls) and cls.__module__.startswith('mmpretrain.models.selfsup')
                    and issubclass(cls, mmpretrain.models.BaseSelfSupervisor))


@pytest.mark.parametrize('name', ALGORITHMS)
def test_every_algorithm_of_mmpretrain_has_its_own_name(name):
    cfg = config()
    cfg['model']['type'] = name
    assert method_of(cfg) == name.lower() != 'baseline'
    assert len(ALGORITHMS) >= 15


def test_a_detector_is_named_as_one():
    assert method_of(dict(default_scope='mmdet', model=dict(type='FasterRCNN'))) == 'mmdet-fasterrcnn'


def test_the_plain_settings_are_the_defaults_of_the_classes():
    for name, settings in PLAIN.items():
        kind = name.removesuffix('-persample').removeprefix('mmpretrain-')
        classes = {k.lower(): v for k, v in BATCH_AUGMENTS.module_dict.items()}
        ours = next((getattr(mmresizemix, n) for n in mmresizemix.__all__ if n.lower() == kind), None)
        cls = classes[kind] if name.startswith('mmpretrain-') else ours
        defaults = {p.name: p.default for p in inspect.signature(cls).parameters.values()
                    if p.name not in (*ASIDE, 'per', 'prob')}
        for key, value in settings.items():
            if name in ('resizemix', 'recursivemix') and key in ('interpolation', 'placement'):
                continue  # these are as in the authors' released code, which draws per batch
            if key in defaults and defaults[key] is not inspect.Parameter.empty:
                assert value == defaults[key], (name, key)
        assert set(defaults) - set(settings) <= {'source_region', 'paste_region'}, name


METHODS_OF_FILES = {
    '-cutmix-': 'cutmix', '-fmix-': 'fmix', '-mixup-': 'mixup', '-puzzlemix-': 'puzzlemix', '-dada-': 'dada_',
    '-autoaugment-': 'aa_', '-fast-autoaugment-': 'fast_aa_', '-pba-': 'pba_', '-saliencymix-': 'saliencymix',
    '-resizemix-persample-': 'resizemix-persample',
    '-recursivemix-': 'recursivemix+consistency(omega=0.5, share_fc=false)', '-randaugment-': 'randaugment(magnitude=9, num_ops=2)'}


@pytest.mark.parametrize('folder', ['pretrain', 'cifar', 'study', 'demo', 'saliency_study'])
def test_every_config_that_is_shipped_has_a_name_that_agrees_with_its_files(folder):
    names: dict[str, set] = {}
    for path in sorted((CONFIGS / folder).glob('[!_]*.py')):
        cfg = read_config(path).to_dict()
        if cfg['default_scope'] != 'mmpretrain':
            continue
        name = method_of(cfg)
        assert name is not None and len(settings_of(cfg)) == 12, path.name
        for part, expected in METHODS_OF_FILES.items():
            if part in path.name and 'resizemix-randaugment' not in path.name and 'randaugment-resizemix' not in \
                    path.name and not ('autoaugment' in part and 'fast-' in path.name and part != '-fast-autoaugment-'):
                assert name.startswith(expected), path.name
        names.setdefault(name, set()).add(Path(path).name)
    assert names, folder


def test_unlike_settings_have_unlike_digests_and_seeds_do_not_count():
    one = config(dict(RESIZEMIX), randomness=dict(seed=0), train_cfg=dict(max_epochs=100))
    assert settings_of(one) == settings_of(dict(one, randomness=dict(seed=1)))
    assert settings_of(one) != settings_of(dict(one, train_cfg=dict(max_epochs=300)))
    assert settings_of({}) is None


def test_equal_numbers_and_sequences_have_equal_digests():
    one = config(dict(type='CutMix', alpha=1), optim_wrapper=dict(lr=1, betas=[(1, 2.0)]))
    two = config(dict(type='CutMix', alpha=1.0), optim_wrapper=dict(lr=1.0, betas=([1.0, 2], )))
    assert settings_of(one) == settings_of(two)
    assert settings_of(one) != settings_of(dict(one, optim_wrapper=dict(lr=True, betas=[(1, 2.0)])))


@pytest.mark.parametrize('path', ['study/resnet18-cutmix.py', *(f'pretrain/{name}' for name in sorted(
    path.name for path in (CONFIGS / 'pretrain').glob('[!_]*.py'))[::4])])
def test_the_text_of_a_config_has_the_same_name_and_digest(path):
    cfg = read_config(CONFIGS / path)
    text = read_config_text(cfg.pretty_text)
    assert method_of(text) == method_of(cfg.to_dict()) is not None
    assert settings_of(text) == settings_of(cfg.to_dict()) is not None


def deep(levels=5000):
    value: dict = {}
    for _ in range(levels):
        value = dict(dataset=value, transforms=[value])
    return value


def places(value, path=()):
    """Yield the path of everything inside of a config."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


LITERALS = [None, 5, -1.5, True, 1j, '', 'x', b'x', ..., [], {}, (), {1, 'a'}, {('a', 1): {2: 3}, 'b': 4}, [[]], [{}],
            [5], {'type': 5}, float('nan'), float('inf'), 16 ** 5000, deep()]


def test_a_config_that_does_not_say_what_is_trained_on_has_no_method():
    whole = config(dict(RESIZEMIX))
    assert method_of({**whole, 'train_dataloader': dict(dataset=dict(type='CIFAR10'))}) == method_of(whole)
    for loader in (None, {}, dict(dataset=None), dict(dataset={}), dict(batch_size=32)):
        assert method_of({**whole, 'train_dataloader': loader}) is None


def test_no_literal_config_raises_an_error():
    whole = config([dict(type='mmresizemix.MixThenAugment', mix=dict(RESIZEMIX), transforms=[dict(type='RandAugment')]),
                    dict(CUTMIX)], [0.5, 0.5], [dict(type='mmresizemix.SearchedPolicy', policy=[[1]])],
                   load_from='x.pth', resume=False, custom_hooks=[dict(type='SwitchRecipeHook')],
                   data_preprocessor=dict(batch_augments=dict(augments=[])), train_cfg=dict(by_epoch=True))
    whole['model'].update(head=dict(type='RecursiveMixHead', omega=0.5), init_cfg=[pretrained('x.pth')],
                          pretrained='x.pth')
    whole['train_dataloader']['dataset']['datasets'] = [dict(pipeline=[dict(type='PackInputs')])]
    found = list(places(whole))
    assert len(found) > 50 and method_of(dict(whole, custom_hooks=[])) is not None
    for path in found:
        for literal in LITERALS:
            cfg = deepcopy(whole)
            place = cfg
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = literal
            if path[0] != 'custom_hooks':
                cfg['custom_hooks'] = None  # which would hide what comes after them
            for result in (method_of(cfg), settings_of(cfg)):
                assert result is None or isinstance(result, str), (path, literal)
