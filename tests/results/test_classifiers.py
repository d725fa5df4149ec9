"""Classifiers compared by top-1: what is read of their runs, what tells rows apart, statistics."""
import json

import numpy as np
import pytest
from result_samples import write_run
from scipy import stats

from mmresizemix.report.formats import to_csv, to_json, to_latex, to_markdown
from mmresizemix.report.make import REPORT, make_comparison
from mmresizemix.report.paper_values import TOP1, published
from mmresizemix.runs.read_runs import OTHER_KIND, read_runs

CONFIG = '''default_scope = 'mmpretrain'
custom_hooks = [dict(type='mmresizemix.EpochSeedHook'), dict(type='mmresizemix.AttachModelHook')]
model = dict(
    backbone=dict(type='mmresizemix.WideResNet', depth=28, widen_factor=10),
    head=dict(loss=dict(type='CrossEntropyLoss'{soft})){augments}, type='ImageClassifier')
optim_wrapper = dict(optimizer=dict(lr={lr}, type='SGD'))
randomness = dict(seed={seed})
train_cfg = dict(by_epoch=True, max_epochs=2)
train_dataloader = dict(batch_size={batch}, dataset=dict(type='CIFAR100', pipeline=[dict(type='{step}')]))
val_dataloader = dict(dataset=dict(type='CIFAR100', data_root='data/cifar100/'))
{row}'''


def write_classifier(folder, top1, seed=0, augment=None, row=None, column=None, place=None, lr=0.1,
                     batch=256, step='RandomCrop'):
    start = folder / '20260101_000000/vis_data'
    start.mkdir(parents=True)
    (start / 'config.py').write_text(CONFIG.format(
        seed=seed, lr=lr, batch=batch, step=step, soft=', use_soft=True' if augment else '',
        augments=f", train_cfg=dict(augments=dict(type='{augment}', per='batch'))" if augment
        else '', row=f'table_row = dict(name={row!r}, column={column!r}, place={place})\n'
        if row else ''))
    lines = [{'lr': lr, 'loss': 1.2, 'time': 0.4, 'epoch': e, 'iter': 10, 'step': 10 * e}
             for e in (1, 2)]
    lines[1:1] = [{'accuracy/top1': top1 - 5, 'step': 1}]
    lines.append({'accuracy/top1': top1, 'step': 2})
    (start / 'scalars.json').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return folder


def compare(tmp_path, **settings):
    return make_comparison([tmp_path / 'runs'], tmp_path / 'out', quiet=True, **settings)


def test_a_run_is_read(tmp_path):
    write_classifier(tmp_path / 'runs/a', 83.4, seed=3, augment='mmresizemix.CutMix')
    [run], faults = read_runs([tmp_path / 'runs'])
    assert not faults and run.is_classifier and run.primary == 'top1'
    assert (run.origin.method, run.config.model, run.config.kind, run.seed, run.epoch) == (
        'cutmix', 'WRN-28-10', 'CIFAR-100', 3, 2)
    assert run.metrics == {'top1': pytest.approx(0.834)}
    assert run.curve == {1: pytest.approx(0.784), 2: pytest.approx(0.834)}


def test_runs_are_compared_by_their_seeds(tmp_path):
    values = dict(baseline=[80.9, 81.3, 81.2], cutmix=[83.1, 83.6, 83.5])
    for method, found in values.items():
        for seed, top1 in enumerate(found):
            write_classifier(tmp_path / f'runs/{method}{seed}', top1, seed,
                             'mmresizemix.CutMix' if method == 'cutmix' else None)
    comparison = compare(tmp_path)
    contrast = comparison.contrasts['CutMix', 'CIFAR-100 WRN-28-10']
    welch = stats.ttest_ind(values['cutmix'], values['baseline'], equal_var=False)
    assert contrast.difference == pytest.approx(
        np.mean(values['cutmix']) - np.mean(values['baseline']))
    assert contrast.unit == 'pretraining' and contrast.image is None
    assert contrast.combined.p == pytest.approx(welch.pvalue)
    interval, expected = contrast.combined.interval(), welch.confidence_interval()
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert contrast.verdict == 'better'
    text = to_markdown(comparison)
    assert '83.40 [' in text and 'CutMix, ResizeMix paper' in text
    assert '83.40' in text.split('CutMix, ResizeMix paper')[1].split('\n')[0]
    assert 'images 95 %' not in text and 'No interval includes the variation between test pictures' in text
    assert 'AP' not in text.replace('CIFAR', '')
    for show in (to_csv, to_json, to_latex):
        assert show(comparison) == show(comparison)
    page = (tmp_path / 'out' / REPORT).read_text()
    assert 'Which method makes the better classifier?' in page and 'COCO' not in page


def test_rows_of_a_table_may_differ_in_how_they_read_pictures(tmp_path):
    write_classifier(tmp_path / 'runs/a', 81, row='baseline', column='WRN')
    write_classifier(tmp_path / 'runs/b', 84, row='ResizeMix+', column='WRN', batch=512,
                     step='RandAugment', augment='mmresizemix.MixThenAugment')
    comparison = compare(tmp_path)
    assert comparison.rows == ('baseline', 'ResizeMix+') and not comparison.faults
    assert [c.label for c in comparison.columns] == ['WRN']
    assert comparison.contrasts['ResizeMix+', 'WRN'].difference == pytest.approx(3)


def test_rows_stand_as_the_plan_has_them(tmp_path):
    for place, row in enumerate(('zero', 'baseline', 'Late', 'early')):
        write_classifier(tmp_path / f'runs/{row}', 80 + place, row=row, place=place)
    assert compare(tmp_path).rows == ('baseline', 'zero', 'Late', 'early')


def test_columns_of_one_network_and_set_stay_apart(tmp_path):
    for column, top1 in (('left', 81), ('right', 71)):
        write_classifier(tmp_path / f'runs/{column}', top1, row='baseline', column=column)
    comparison = compare(tmp_path)
    assert [c.label for c in comparison.columns] == ['left', 'right']
    assert comparison.cells['baseline', 'right'].mean == pytest.approx(71)


@pytest.mark.parametrize('other', [dict(lr=0.2), dict(step='RandAugment'), dict(batch=512)])
def test_of_others_only_the_batch_augment_may_differ(tmp_path, other):
    write_classifier(tmp_path / 'runs/a', 81)
    write_classifier(tmp_path / 'runs/b', 84, augment='mmresizemix.ResizeMix', **other)
    comparison = compare(tmp_path)
    assert not comparison.contrasts
    [fault] = [f for f in comparison.faults if f.bad]
    assert 'differs from the other runs' in fault.reason


def test_a_learning_rate_of_ones_own_is_refused_in_a_row_too(tmp_path):
    write_classifier(tmp_path / 'runs/a', 81, row='baseline')
    write_classifier(tmp_path / 'runs/b', 84, row='CutMix', augment='mmresizemix.CutMix', lr=0.2)
    assert any('lr: 0.1 there, 0.2 here' in f.reason for f in compare(tmp_path).faults)


def test_beside_detectors_classifiers_are_what_they_came_from(tmp_path):
    write_classifier(tmp_path / 'runs/classifier', 76.0)
    write_run(tmp_path / 'runs/detector')
    runs, faults = read_runs([tmp_path / 'runs'])
    assert [r.folder.name for r in runs] == ['detector']
    assert [f.reason for f in faults] == [OTHER_KIND] and not faults[0].bad


def test_a_run_that_is_not_finished(tmp_path):
    folder = write_classifier(tmp_path / 'runs/a', 81)
    log = folder / '20260101_000000/vis_data/scalars.json'
    log.write_text('\n'.join(log.read_text().splitlines()[:2]) + '\n')
    runs, [fault] = read_runs([tmp_path / 'runs'])
    assert not runs and fault.reason == 'not finished: evaluated at epoch 1 of 2'


def test_the_papers_numbers_agree_with_its_words():
    """Secs. 5.1.1-5.1.3: the differences that the text states."""
    c10, c100 = TOP1['CIFAR-10', 'WRN-28-10'], TOP1['CIFAR-100', 'WRN-28-10']
    r50, r101 = TOP1['ImageNet', 'ResNet-50'], TOP1['ImageNet', 'ResNet-101']

    def gap(row, method):
        return round(row['ResizeMix'] - row[method], 2)

    assert (gap(c10, 'CutMix'), gap(c10, 'AutoAugment')) == (0.5, 0.28)
    assert (gap(c100, 'AutoAugment'), gap(c100, 'RandAugment')) == (1.40, 1.01)
    assert (gap(r50, 'CutMix'), gap(r50, 'Puzzle Mix'), gap(r50, 'AutoAugment')) == (
        0.4, 1.49, 1.37)
    assert gap(r101, 'CutMix') == 0.71
    assert published('CIFAR-100', 'WRN-28-10', 'ResizeMix') == 84.31
    assert published(None, 'WRN-28-10', 'ResizeMix') is None
