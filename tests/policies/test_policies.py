"""Tests that the policies are the published ones, that their levels mean what their authors' code says, and that chance
works as described."""
import json
import pickle
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import get_data_path
from mmcv.transforms import RandomApply
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.datasets.transforms import auto_augment
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from mmresizemix.policies import (
    LEVELS,
    NOT_PUBLISHED,
    PolicyEpochHook,
    RelativeCutout,
    SearchedPolicy,
    published_names,
    read_policy,
)
from mmresizemix.policies.epoch import following_epochs
from mmresizemix.policies.operations import CIFAR_MEAN, build_operation
from mmresizemix.policies.published import FOLDER

FILES = sorted(FOLDER.glob('*.json'))
PHOTO = Path(get_data_path()) / 'sample_data/grace_hopper.jpg'
ENHANCERS = ('Color', 'Contrast', 'Brightness', 'Sharpness')
# This is how far cv2 and Pillow may be apart, in values of 0 to 255 on average. They differ in which of two neighbours
# a pixel of a slope comes from, and in whether digits are rounded or cut off. (A wrong sign gives 20 to 70.)
APART = dict(ShearX=4, ShearY=4, Rotate=0.1, **dict.fromkeys(ENHANCERS, 0.6))


@pytest.fixture(scope='module')
def photo() -> np.ndarray:
    """A photograph in BGR that is 80 pixels wide and 60 high."""
    return np.array(Image.open(PHOTO).convert('RGB').resize((80, 60)))[..., ::-1].copy()


def written(folder: Path, **content) -> Path:
    path = folder / 'own.json'
    path.write_text(json.dumps(content))
    return path


def gray(value: int) -> dict:
    return dict(img=np.full((4, 6, 3), value, np.uint8))


# the published policies


@pytest.mark.parametrize('name', published_names())
@pytest.mark.parametrize('size', [(32, 32), (20, 33)])
def test_runs_and_pickles(name, size):
    """Loader workers get a copy, which draws as the original does."""
    policy, rng = SearchedPolicy(name), np.random.default_rng(0)
    for transform in following_epochs(policy):
        transform.set_epoch(150, 200)
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(40)]
    outcomes = []
    for one in (policy, pickle.loads(pickle.dumps(policy))):
        np.random.seed(0)
        torch.manual_seed(0)
        outcomes.append([one(dict(img=image.copy()))['img'] for image in images])
    for image, got, again in zip(images, *outcomes):
        assert got.shape == image.shape and got.dtype == np.uint8
        assert np.array_equal(got, again)
    assert sum((got != image).any() for got, image in zip(outcomes[0], images)) > 10


COUNTS = dict(fast_aa_cifar10=493, fast_aa_imagenet=498, dada_cifar10=25, dada_cifar100=25,
              dada_imagenet=25)


@pytest.mark.parametrize('name', COUNTS)
def test_as_many_pairs_as_published(name):
    pairs = read_policy(FOLDER / f'{name}.json').sub_policies
    assert len(pairs) == COUNTS[name] == len({tuple(pair) for pair in pairs})
    assert {len(pair) for pair in pairs} == {2}
    names = {op.name for pair in pairs for op in pair}
    assert names | {'Solarize'} == set(LEVELS['fast_aa'].names)  # DADA's policy for CIFAR-100 has no Solarize


def test_the_ends_of_the_published_lists():
    """Every number of DADA's policies is also one of float32, as its search had them."""
    ends = dict(
        fast_aa_cifar10=('Contrast', 0.8320659688593578, 0.49884310562180767,
                         'ShearX', 0.5844942417320858, 0.36051195083380105),
        fast_aa_imagenet=('ShearY', 0.14143816458479197, 0.513124791615952,
                          'Equalize', 0.05649876539221024, 0.5628180219887216),
        dada_cifar10=('TranslateX', 0.5183464288711548, 0.5752825736999512,
                      'TranslateX', 0.4761257469654083, 0.49035176634788513),
        dada_cifar100=('ShearY', 0.5558360815048218, 0.2755777835845947,
                       'Posterize', 0.5513173341751099, 0.3414877951145172),
        dada_imagenet=('TranslateY', 0.8485236167907715, 0.6384843587875366,
                       'Color', 0.49619558453559875, 0.5923987030982971))
    for name, end in ends.items():
        pairs = read_policy(FOLDER / f'{name}.json').sub_policies
        assert (*pairs[0][0], *pairs[-1][-1]) == end
        if name.startswith('dada'):
            numbers = [number for pair in pairs for op in pair for number in op[1:]]
            assert np.array_equal(np.float32(numbers).astype(float), numbers)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_says_where_it_comes_from(path):
    content = json.loads(path.read_text())
    for key in ('method', 'paper', 'searched_on', 'source', 'licence', 'applied'):
        assert content[key], key


def test_autoaugments_policies_are_upstreams():
    assert len(SearchedPolicy('aa_cifar10').transforms._augment.policies) == 25
    ours = SearchedPolicy('aa_imagenet').transforms
    preset = auto_augment.AUTOAUG_POLICIES['imagenet']
    assert [[op['type'] for op in sub] for sub in ours.policies] == [
        [op['type'] for op in sub] for sub in preset]
    rotate = next(op for sub in ours for op in sub.transforms if type(op).__name__ == 'Rotate')
    assert rotate.pad_val == (128, 128, 128)


@pytest.mark.parametrize('method', NOT_PUBLISHED)
def test_why_a_policy_is_not_there(method):
    with pytest.raises(ValueError, match='is not published: .*no ') as raised:
        SearchedPolicy(f'{method}_cifar10')
    assert NOT_PUBLISHED[method] in str(raised.value)


# levels


def by_pillow(name: str, value: float, image: Image.Image) -> Image.Image:
    """Apply the authors' operation at a strength, without the sign."""
    width, height = image.size
    matrix = dict(ShearX=(1, value, 0, 0, 1, 0), ShearY=(1, 0, 0, value, 1, 0),
                  TranslateX=(1, 0, value * width, 0, 1, 0),
                  TranslateY=(1, 0, 0, 0, 1, value * height)).get(name)
    if matrix:
        return image.transform(image.size, Image.Transform.AFFINE, matrix)
    if name in ENHANCERS:
        return getattr(ImageEnhance, name)(image).enhance(value)
    if name == 'Rotate':
        return image.rotate(value)
    arguments = [value] if name == 'Solarize' else [int(value)] if name == 'Posterize' else []
    return getattr(ImageOps, name.lower())(image, *arguments)


# These two functions return the strength of an operation at a level, by the formulas of each method's authors.
def fast_aa(name: str, level: float) -> float:
    low, high = dict(
        ShearX=(-.3, .3), ShearY=(-.3, .3), TranslateX=(-.45, .45), TranslateY=(-.45, .45),
        Rotate=(-30, 30), Solarize=(0, 256), Posterize=(4, 8), Cutout=(0, .2)).get(name, (.1, 1.9))
    return level * (high - low) + low


def pba(name: str, level: int) -> float:
    return dict(
        ShearX=level * .3 / 10, ShearY=level * .3 / 10, TranslateX=int(level * 10 / 10) / 32,
        TranslateY=int(level * 10 / 10) / 32, Rotate=int(level * 30 / 10),
        Solarize=256 - int(level * 256 / 10), Posterize=4 - int(level * 4 / 10),
        Cutout=int(level * 20 / 10) / 32).get(name, level * 1.8 / 10 + .1)


@pytest.mark.parametrize('kind, formula, tried', [
    ('fast_aa', fast_aa, (0., 0.2, 0.55, 0.8, 1.)), ('pba', pba, range(11))])
@pytest.mark.parametrize('name', sorted(set(LEVELS['pba'].names) - {'Cutout'}))
def test_a_level_gives_the_authors_picture(photo, name, kind, formula, tried):
    """Operations that change values only agree to the bit, and the others except for rounding. Both signs occur."""
    rgb = Image.fromarray(photo[..., ::-1].copy())
    levels = replace(LEVELS[kind], fill=(0, 0, 0))  # as Pillow fills
    np.random.seed(0)
    for level in tried:
        value = formula(name, level)
        moves = name in ('ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate')
        wanted = [np.array(by_pillow(name, sign * value, rgb), float)[..., ::-1]
                  for sign in ((1, -1) if moves else (1, ))]
        operation = build_operation(name, level, 1., levels)
        signs = set()
        for _ in range(30 if moves else 1):
            got = operation(dict(img=photo.copy()))['img']
            errors = [np.abs(got - one).mean() for one in wanted]
            signs.add(int(np.argmin(errors)))
            assert min(errors) <= APART.get(name, 0), (level, errors)
        if moves and abs(value) > 0.05:
            assert signs == {0, 1}, level


def test_strengths_of_cutout_and_translate():
    """PBA's strengths are in pixels of a picture with sides of 32 pixels."""
    for level in range(11):
        assert LEVELS['pba'].strength('TranslateX', level) * 32 == pytest.approx(level)
        assert cut_side(LEVELS['pba'].strength('Cutout', level), 32) == 2 * level
    for level in (0., 0.1, 0.5, 0.77, 1.):
        image = Image.new('RGB', (200, 150))
        side = fast_aa('Cutout', level) * 200
        ImageDraw.Draw(image).rectangle((50, 40, 50 + side, 40 + side), (255, 0, 0))
        pillow = (np.array(image)[..., 0] > 0).any(0).sum() if side else 0
        # Pillow's rectangle has both its borders, so a side of whole pixels gets one pixel more.
        assert pillow - cut_side(LEVELS['fast_aa'].strength('Cutout', level), 200) in (0, 1)


def cut_side(part: float, width: int) -> int:
    np.random.seed(0)
    cutout, sides = RelativeCutout(part, prob=1.), []
    for _ in range(200):
        got = cutout(dict(img=np.full((width - 10, width, 3), 255, np.uint8)))['img']
        cut = (got != 255).any(2)
        assert not cut.any() or np.array_equal(got[cut][0], CIFAR_MEAN)
        sides.append(max(cut.any(0).sum(), cut.any(1).sum()))
    return max(sides)


def test_what_is_uncovered_is_filled_in_all_channels():
    white = np.full((30, 30, 3), 255, np.uint8)
    for kind, fill in (('fast_aa', (0, 0, 0)), ('pba', CIFAR_MEAN)):
        for name in ('ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate'):
            levels = LEVELS[kind]
            got = build_operation(name, levels.highest, 1., levels)(dict(img=white.copy()))['img']
            assert {tuple(map(int, pixel)) for pixel in got.reshape(-1, 3)} == {
                (255, 255, 255), fill}, (kind, name)


def test_channel_order(tmp_path, photo):
    path = written(tmp_path, levels='fast_aa', sub_policies=[[['Color', 1, 0]], ])
    bgr, rgb = (SearchedPolicy(policy=path, channel_order=order) for order in ('bgr', 'rgb'))
    assert np.array_equal(bgr(dict(img=photo))['img'],
                          rgb(dict(img=photo[..., ::-1].copy()))['img'][..., ::-1])


# chance


def test_sub_policies_are_chosen_alike_and_operations_by_their_probability(tmp_path):
    """A picture of 100 gets brightness 0.5 or 1.5, and is inverted in three of ten cases: four pictures."""
    path = written(tmp_path, levels='fast_aa', sub_policies=[
        [['Brightness', 1, 0.4 / 1.8], ['Invert', 0.3, 0]],
        [['Brightness', 1, 1.4 / 1.8], ['Invert', 0.3, 0.5]]])
    policy = SearchedPolicy(policy=path)
    np.random.seed(0)
    n = 4000
    seen = Counter(int(policy(gray(100))['img'][0, 0, 0]) for _ in range(n))
    expected = {50: 0.35, 150: 0.35, 205: 0.15, 105: 0.15}
    assert set(seen) == set(expected)
    for value, p in expected.items():
        assert abs(seen[value] / n - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_a_schedule_applies_none_one_or_two(tmp_path):
    """Every operation that is applied halves 200. Operations of probability 0 are never applied."""
    half = ['Brightness', 1, 4 / 1.8]
    path = written(tmp_path, levels='pba', schedule=[
        dict(epochs=1, operations=[half, half, half, ['Invert', 0, 0]])])
    policy = SearchedPolicy(policy=path)
    policy.transforms.set_epoch(0, 1)
    np.random.seed(0)
    n = 4000
    seen = Counter(int(policy(gray(200))['img'][0, 0, 0]) for _ in range(n))
    assert set(seen) == {200, 100, 50}
    for value, p in ((200, 0.2), (100, 0.3), (50, 0.5)):
        assert abs(seen[value] / n - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_a_schedule_takes_operations_in_random_order(tmp_path):
    path = written(tmp_path, levels='pba', schedule=[
        dict(epochs=1, operations=[['Invert', 1, 0], ['Brightness', 1, 4 / 1.8]])])
    policy = SearchedPolicy(policy=path)
    policy.transforms.set_epoch(0, 1)
    np.random.seed(0)
    seen = {int(policy(gray(200))['img'][0, 0, 0]) for _ in range(200)}
    assert seen == {200, 55, 100, 27, 155}  # no operation, one alone, or both in either order


# PBA's schedule


def pba_schedule():
    return SearchedPolicy('pba_cifar10').transforms


def test_pba_at_published_epochs():
    """The phases are those of schedules/rcifar10_16_wrn.txt. For the last epoch, the operations are what the authors'
    notebook (pba.ipynb) printed, which also settles their order."""
    schedule = pba_schedule()
    assert [epochs for epochs, _ in schedule.phases] == [
        12, 22, 20, 20, 1, 6, 3, 27, 6, 21, 6, 9, 7, 17, 6, 12, 5]
    assert {len(operations) for _, operations in schedule.phases} == {30}
    for epoch in (0, 11):
        schedule.set_epoch(epoch, 200)
        assert {op[1:] for op in schedule.operations} == {(0, 0)}
    schedule.set_epoch(12, 200)
    assert schedule.operations[:4] == [('Rotate', 0, 3), ('TranslateX', 0.3, 7),
                                       ('TranslateY', 0.1, 9), ('Brightness', 0.2, 0)]
    schedule.set_epoch(74, 200)  # this phase has one epoch
    assert schedule.operations[0] == ('Rotate', 0.4, 0)
    schedule.set_epoch(199, 200)
    for printed in (('TranslateY', 0.6, 7), ('Contrast', 1.0, 7), ('TranslateY', 1.0, 0)):
        assert printed in schedule.operations


@pytest.mark.parametrize('max_epochs', [1, 90, 100, 200, 300, 1800])
def test_pba_is_stretched_as_its_authors_do(max_epochs):
    schedule = pba_schedule()
    wanted = [operations for epochs, operations in schedule.phases
              for _ in range(epochs * max_epochs // 200)]
    wanted += [schedule.phases[-1][1]] * (max_epochs - len(wanted))
    for epoch in range(max_epochs):
        schedule.set_epoch(epoch, max_epochs)
        assert schedule.operations == wanted[epoch]


def test_a_schedule_that_was_not_told_the_epoch():
    with pytest.raises(RuntimeError, match='PolicyEpochHook'):
        SearchedPolicy('pba_cifar10')(gray(1))


class Pictures(BaseDataset):

    def load_data_list(self):
        return [dict(number=i) for i in range(24)]

    def get_data_info(self, idx):
        return gray(200)


class Watching(BaseModel):
    """A model that keeps the values of every batch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, img, mode='tensor'):
        self.seen.append({int(one[0, 0, 0]) for one in img})
        return dict(loss=self.weight.sum())


def run(tmp_path, wrapper=RepeatDataset, **loader) -> list[set[int]]:
    """Return the values of each epoch's pictures. The three phases leave 200, then 200 or 55, then 200 or 100."""
    path = written(tmp_path, levels='pba', schedule=[
        dict(epochs=2, operations=[['Invert', 0, 0]]),
        dict(epochs=2, operations=[['Invert', 1, 0]]),
        dict(epochs=2, operations=[['Brightness', 1, 4 / 1.8]])])
    pictures = Pictures(pipeline=[
        RandomApply([SearchedPolicy(policy=path)], prob=1.),
        lambda results: dict(img=torch.from_numpy(results['img']))])
    dataset = RepeatDataset(pictures, 1) if wrapper is RepeatDataset else wrapper([pictures])
    train, model = dict(by_epoch=True, max_epochs=3), Watching()
    Runner(model, str(tmp_path / 'run'), train_cfg=loader.pop('train_cfg', train),
           train_dataloader=dict(dataset=dataset, batch_size=24, sampler=dict(
               type='DefaultSampler', shuffle=False), collate_fn=dict(type='default_collate'),
               **loader),
           optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
           custom_hooks=[PolicyEpochHook()], default_hooks=dict(checkpoint=None),
           experiment_name='policies').train()
    return model.seen


@pytest.mark.parametrize('workers, wrapper', [(0, RepeatDataset), (1, ConcatDataset)])
def test_the_hook_tells_the_epoch_through_wrappers(tmp_path, workers, wrapper):
    seen = run(tmp_path, wrapper, num_workers=workers, persistent_workers=False)
    assert seen == [{200}, {200, 55}, {200, 100}]


@pytest.mark.parametrize('settings, message', [
    (dict(num_workers=1, persistent_workers=True), 'persistent_workers=False'),
    (dict(num_workers=0, train_cfg=dict(by_epoch=False, max_iters=3)), 'got IterBasedTrainLoop')])
def test_the_hook_refuses_what_cannot_work(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **settings)


def test_the_hook_comes_without_the_operations(python):
    """Its registry is also asked in detection runs, where mmpretrain may be missing."""
    code = ('import sys; from mmresizemix.policies import PolicyEpochHook; '
            'sys.exit("mmresizemix.policies.operations" in sys.modules)')
    assert subprocess.run([python, '-c', code]).returncode == 0


# mistakes

PAIR = [['Invert', 1, 0], ['ShearX', 0.5, 0.5]]


@pytest.mark.parametrize('content, message', [
    (dict(levels='fast', sub_policies=[PAIR]), r'"levels" must be one of fast_aa, pba, got .fast.'),
    (dict(levels=[], sub_policies=[PAIR]), r'"levels" must be one of fast_aa, pba, got \[\]'),
    (dict(sub_policies=[PAIR]), '"levels" must be one of fast_aa, pba, got None'),
    (dict(levels='pba'), 'either "sub_policies" or "schedule", got neither'),
    (dict(levels='pba', schedule=[], sub_policies=[PAIR]), 'got sub_policies and schedule'),
    (dict(levels='pba', sub_policies=[]), r'must be a list that is not empty, got \[\]'),
    (dict(levels='pba', sub_policies=[PAIR, []]), r'sub-policy 2 of 2: expected a list .*\[\]'),
    (dict(levels='pba', sub_policies=[PAIR, [['Invert', 1]]]),
     r"sub-policy 2 of 2: an operation is \[name, probability, level\], got \['Invert', 1\]"),
    (dict(levels='pba', sub_policies=[PAIR, [['Blur', 1, 0]]]),
     r"sub-policy 2 of 2: unknown operation 'Blur'; expected one of AutoContrast, Brightness, .*Y$"),
    (dict(levels='pba', sub_policies=[PAIR, PAIR, [['Invert', 1.5, 0]]]),
     'sub-policy 3 of 3: the probability of Invert must be in 0..1, got 1.5'),
    (dict(levels='pba', sub_policies=[[['Invert', 'x', 0]]]), "must be in 0..1, got 'x'"),
    (dict(levels='pba', sub_policies=[[['Invert', True, 0]]]), 'must be in 0..1, got True'),
    (dict(levels='pba', sub_policies=[[['Invert', float('nan'), 0]]]), 'in 0..1, got nan'),
    (dict(levels='pba', sub_policies=[[['ShearX', 1, 11]]]),
     r'sub-policy 1 of 1: the level of ShearX must be in 0..10 \("levels": "pba"\), got 11'),
    (dict(levels='pba', schedule=[dict(epochs=0, operations=PAIR)]),
     'phase 1 of 1: "epochs" must be a whole number above 0, got 0'),
    (dict(levels='pba', schedule=[PAIR]), 'phase 1 of 1: expected {"epochs": ..., "operations"'),
])
def test_mistakes_in_a_file(tmp_path, content, message):
    path = written(tmp_path, **content)
    with pytest.raises(ValueError, match=message) as raised:
        SearchedPolicy(policy=path)
    assert str(raised.value).startswith(f'{path}: ') and '\n' not in str(raised.value)


def test_files_that_are_none(tmp_path):
    path = tmp_path / 'own.json'
    for text, message in ((None, 'cannot be read: No such file'), ('{"levels": ', 'not JSON: '),
                          ('[1]', 'expected an object {...}, got list')):
        if text is not None:
            path.write_text(text)
        with pytest.raises(ValueError, match=message) as raised:
            SearchedPolicy(policy=path)
        assert str(raised.value).startswith(f'{path}: ') and '\n' not in str(raised.value)
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError, match='not JSON: '):
        SearchedPolicy(policy=path)


def test_mistaken_arguments(tmp_path):
    with pytest.raises(ValueError, match='name must be one of aa_cifar10, .*pba_cifar10, got .fas'):
        SearchedPolicy('fast_aa')
    with pytest.raises(ValueError, match='either name or policy'):
        SearchedPolicy()
    with pytest.raises(ValueError, match='either name or policy'):
        SearchedPolicy('pba_cifar10', policy=tmp_path)
    with pytest.raises(ValueError, match="channel_order must be 'bgr' or 'rgb', got 'RGB'"):
        SearchedPolicy('pba_cifar10', channel_order='RGB')
