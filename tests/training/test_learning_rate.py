"""Tests of the choice of a learning rate on pictures that are held out of the training set."""
import json

import pytest
from mmengine.config import Config
from test_protocols import RETINANET, Pictures, plan
from thin_networks import options_for

from mmresizemix.datasets import write_scenes
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.plan import PlanError, read_plan
from mmresizemix.plan.build_stages import build
from mmresizemix.runs import json_lines, read_metrics, read_runs
from mmresizemix.runs.learning_rate_choice import CHOICE, LearningRateChoice
from mmresizemix.runs.run_config import RunConfig
from mmresizemix.training.launch import train
from mmresizemix.training.learning_rate import LearningRateError, describe, use_choice
from mmresizemix.training.protocols import hold_out, set_protocol
from mmresizemix.training.set_parts import TuningSplit

FASTER_RCNN_VOC = 'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'


def part(count, fraction, which, seed=0) -> set[int]:
    return {*TuningSplit(Pictures(count), fraction, seed, which).positions}


@pytest.mark.parametrize('count, fraction, held', [(100, .1, 10), (7, .5, 4), (3, .01, 1)])
def test_each_picture_is_in_one_of_the_parts(count, fraction, held):
    one, other = part(count, fraction, 'train'), part(count, fraction, 'held out')
    assert not one & other and one | other == {*range(count)} and len(other) == held
    assert part(100, .1, 'held out', seed=1) != part(100, .1, 'held out', seed=2)


def test_a_split_needs_two_parts():
    with pytest.raises(ValueError, match='no picture is left to train on'):
        part(2, .9, 'train')
    with pytest.raises(ValueError, match="part: expected 'train' or 'held out', got 'test'"):
        part(2, .5, 'test')


@pytest.mark.parametrize('name, around, leaves', [
    ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', [], 1),
    (FASTER_RCNN_VOC, ['RepeatDataset'], 2),
    ('mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', ['MultiImageMixDataset'], 1),
])
def test_held_out_pictures_are_read_and_judged_as_those_of_the_validation(name, around, leaves):
    cfg, before = read_config(name), read_config(name)
    cfg.randomness = dict(seed=5)
    set_protocol(cfg, label_fraction=.5)
    assert hold_out(cfg, .2) == 5
    train_set = cfg.train_dataloader.dataset
    for kind in around:
        assert train_set.type == kind
        train_set = train_set.dataset
    held = cfg.val_dataloader.dataset
    assert (train_set.part, held.part) == ('train', 'held out') and train_set.fraction == held.fraction == .2
    # The share of the labels is taken first, and the split is one of that share.
    assert train_set.dataset.type == held.dataset.type == 'mmresizemix.LabelFraction'
    assert cfg.test_dataloader == cfg.val_dataloader and cfg.test_evaluator == cfg.val_evaluator
    inside = held.dataset.dataset.get('datasets', [held.dataset.dataset])
    theirs = train_set.dataset.dataset.get('datasets', [train_set.dataset.dataset])
    assert len(inside) == len(theirs) == leaves
    shown = before.val_dataloader.dataset.pipeline
    for ours, its in zip(inside, theirs):
        assert [step.type for step in ours.pipeline] == [step.type for step in shown]
        assert {k: v for k, v in ours.items() if k != 'pipeline'} == {k: v for k, v in its.items() if k != 'pipeline'}
    assert cfg.val_evaluator.type == before.val_evaluator.type
    assert cfg.train_cfg.val_interval == before.train_cfg.max_epochs


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(1, 1), crop_size=16,
                        coco=(6, 3), voc=(1, 1, 1), scene_size=(96, 96))


@pytest.fixture
def config(scenes, tmp_path, monkeypatch):
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(scenes))
    cfg = read_config(RETINANET)
    cfg.merge_from_dict({'work_dir': str(tmp_path / 'run'), 'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1,
                         'train_dataloader.batch_size': 2, **options_for(RETINANET)})
    return cfg


RATES = ('0.001', '1e30', '0.002')


def starts(folder) -> list[str]:
    return sorted(p.name for p in folder.glob('2*_*'))


def test_the_best_rate_trains_on_all_pictures_and_a_resumed_choice_is_the_same(scenes, tool, tmp_path):
    """The trials are runs of one process, in which MMEngine keeps loggers and visualizers by name."""
    def run(folder, *options):
        settings = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1, 'train_dataloader.batch_size': 2,
                    'default_hooks.logger.interval': 1, **options_for(RETINANET)}
        done = tool('train', RETINANET, '--work-dir', tmp_path / folder, '--backbone', 'random', *options,
                    '--cfg-options', *(f'{k}={v}'.replace(' ', '') for k, v in settings.items()),
                    environment=dict(MMRESIZEMIX_DEMO_DATA=str(scenes)))
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    chooses = ('--seed', '3', '--held-out', '0.3', '--learning-rates', *RATES)
    said, first = run('first', *chooses), tmp_path / 'first'
    choice = LearningRateChoice.read(first)
    assert choice.rates == (1e-3, 1e30, 2e-3) and choice.complete and choice.seed == 3 and choice.held_out == .3
    assert 'learning rate 1e+30: the weights became NaN or infinite' in said
    scores = dict(choice.scores)
    assert scores[1e30] is None
    for rate in (1e-3, 2e-3):
        folder = first / f'learning_rates/{rate:g}'
        [start] = starts(folder)
        assert read_metrics(folder, 1)['coco/bbox_mAP'] == scores[rate]
        logged = [line['lr'] for line in json_lines(folder / start / 'vis_data/scalars.json') if 'loss' in line]
        assert len(logged) == 2 and max(logged) <= rate, 'each run logs its own steps: 2 of 2 pictures, for 4 pictures'
        truth = json.loads((folder / 'detections/truth.json').read_text())
        assert len(truth['images']) == 2, 'two of six pictures are held out'
    # The run that counts is trained on all pictures, and says how its rate was chosen.
    [found], faults = read_runs([first])
    assert faults == [] and found.folder == first.resolve(), 'trials are no runs to compare'
    assert found.config.model == 'RetinaNet, best of 3 learning rates'
    assert found.config.values['optim_wrapper']['optimizer']['lr'] == choice.chosen
    assert found.config.learning_rate_choice == choice
    assert 'TuningSplit' not in str(found.config.values)
    # A second run takes the rate from there, and may be compared with the first.
    run('second', '--seed', '4', '--learning-rate-of', first)
    both, _ = read_runs([tmp_path])
    assert [one.seed for one in both] == [3, 4] and both[0].settings == both[1].settings
    # As if the first was killed after its first trial: nothing that is done is trained again.
    LearningRateChoice(choice.rates, .3, 3, choice.scores[:1]).write(first)
    [path.unlink() for path in first.glob('*.pth')]
    run('first', *chooses, '--resume')
    assert LearningRateChoice.read(first) == choice and (first / 'epoch_1.pth').is_file()
    logs = [log.read_text() for log in (first / 'learning_rates/0.001').glob('2*_*/*.log')]
    assert len(logs) == 2 and sum('Epoch(train)' in log for log in logs) == 1


def test_no_rate_that_trains(config):
    with pytest.raises(LearningRateError, match=r'became NaN or infinite with each of 1e\+30, 1e\+31; give smaller'):
        train(config, backbone='random', learning_rates=(1e30, 1e31))


@pytest.mark.parametrize('rates', [(0.1, ), (0.1, 0.1), (0.1, 0), (0.1, -1), (0.1, float('nan')), 'ab'])
def test_rates_to_choose_from(config, rates):
    with pytest.raises(ValueError, match='expected at least two different positive learning rates, got'):
        train(config, backbone='random', learning_rates=rates)


@pytest.mark.parametrize('change, reason', [
    (dict(val_evaluator=None), 'the config has no validation'),
    ({'optim_wrapper.optimizer': dict(_delete_=True, type='SGD')}, 'the config has no optim_wrapper.optimizer.lr'),
])
def test_what_cannot_choose_says_so(config, change, reason):
    config.merge_from_dict(change)
    with pytest.raises(ValueError, match=f'--learning-rates: {reason}'):
        train(config, backbone='random', learning_rates=(0.1, 0.2))


@pytest.mark.parametrize('held_out', [0, 1, 1.5, 'all'])
def test_the_share_that_is_held_out(config, held_out):
    with pytest.raises(ValueError, match='--held-out: expected a number between 0 and 1, got'):
        train(config, backbone='random', learning_rates=(0.1, 0.2), held_out=held_out)


def test_of_equal_rates_the_first_is_chosen_and_one_at_the_end_is_said():
    choice = LearningRateChoice((1., 2., 3.), .1, 0, ((1., .5), (2., .7), (3., .7)))
    assert choice.chosen == 2 and not choice.at_the_end and len(describe(choice)) == 3
    edge = LearningRateChoice((1., 2., 3.), .1, 0, ((1., .5), (2., None), (3., .7)))
    assert edge.chosen == 3 and edge.at_the_end
    assert describe(edge)[1:] == [
        'learning rate 2: the weights became NaN or infinite', 'learning rate 3: 70.00 on 10 % of the training pictures',
        'The chosen learning rate, 3, is the largest one that was tried. One beyond it may be better.']


def test_a_choice_that_is_not_made(tmp_path):
    with pytest.raises(LearningRateError, match='no run that has tried learning rates'):
        train(Config(dict(model=dict())), learning_rate_of=tmp_path)
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(lr=1))))
    with pytest.raises(LearningRateError, match='1 of 2 learning rates were tried there'):
        use_choice(cfg, LearningRateChoice((1., 2.), .1, 0, ((1., .5), )))


@pytest.mark.parametrize('wrong', [
    dict(rates=[]), dict(rates='ab'), dict(rates=5), dict(scores=[[1]]), dict(scores=[['x', 1]]), dict(held_out=None),
    dict(seed='a')])
def test_what_is_no_choice_is_none(tmp_path, wrong):
    fields = {**LearningRateChoice((1., 2.), .1, 0, ((1., .5), )).fields(), **wrong}
    (tmp_path / 'learning_rates').mkdir()
    (tmp_path / 'learning_rates/choice.json').write_text(json.dumps(fields))
    with pytest.raises(ValueError, match='choice.json: not a choice of a learning rate'):
        LearningRateChoice.read(tmp_path)
    cfg = read_config(RETINANET).to_dict()
    assert RunConfig.parse({**cfg, CHOICE: fields}).model == 'RetinaNet'


def test_runs_with_one_rate_are_never_compared_with_those_that_chose():
    def parsed(rates=None, held_out=.1, chosen=1.):
        cfg = read_config(RETINANET)
        if rates:
            scores = tuple((rate, float(rate == chosen)) for rate in rates)
            use_choice(cfg, LearningRateChoice(rates, held_out, 0, scores))
        return RunConfig.parse(cfg.to_dict())

    runs = [parsed(), parsed((1., 2.)), parsed((1., 2., 3.)), parsed((1., 2.), .2)]
    assert len({repr(sorted(run.settings().items())) for run in runs}) == len(runs)
    assert parsed((1., 2.), chosen=2.).settings() == runs[1].settings(), 'each pretraining may have its own'


def test_in_a_plan_the_first_run_of_each_pretraining_chooses(tmp_path):
    path = plan(tmp_path, 'learning_rates=[0.01, 0.02, 0.04], held_out=0.2, seeds=[0, 1]')
    path.write_text(path.read_text().replace("random=True)", "random=True, seeds=[0, 1])"))
    stages, _ = build(read_plan(path), tmp_path)
    first, second = (s for s in stages if s.name.startswith('finetune D'))
    plain = next(s for s in stages if s.name.startswith('finetune plain'))
    words = [*map(str, first.command())]
    assert words[words.index('--learning-rates'):][:6] == ['--learning-rates', '0.01', '0.02', '0.04', '--held-out', '0.2']
    assert [s.trials for s in (plain, first, second)] == [0, 3, 0]
    assert first.name in second.needs and first.name not in plain.needs
    assert [*map(str, second.command())][-2:] == ['--learning-rate-of', str(first.folder)]


@pytest.mark.parametrize('detector, reason', [
    ('learning_rates=[0.1]', 'learning_rates: expected at least two different positive learning rates, got'),
    ('learning_rates=0.1', 'learning_rates: expected at least two'),
    ('learning_rates=[1, 2], held_out=2', 'held_out: expected a number between 0 and 1, got 2'),
])
def test_a_wrong_choice_in_a_plan_is_said(tmp_path, detector, reason):
    with pytest.raises(PlanError, match=f"detectors: 'D': {reason}"):
        read_plan(plan(tmp_path, detector))


def test_a_run_says_its_choice_in_its_config():
    cfg = read_config(RETINANET)
    choice = LearningRateChoice((1., 2.), .1, 0, ((1., .5), (2., None)))
    use_choice(cfg, choice)
    read_back = Config.fromstring(cfg.pretty_text, '.py')
    assert LearningRateChoice.parse(read_back[CHOICE]) == choice
