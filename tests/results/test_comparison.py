"""From runs to verdicts: pairing, nesting, refusals; with runs as they lie on disk."""
import json
import re

import numpy as np
import pytest
from result_samples import METRICS, drawn_detections, drawn_truth, masks_of, with_masks, write_run
from scipy import stats

from mmresizemix.metrics.detections import read_detections
from mmresizemix.metrics.evaluation import evaluate
from mmresizemix.report.make import make_comparison
from mmresizemix.report.table import headline

COLUMN = 'COCO Faster R-CNN'


def compared(folder, **settings):
    return make_comparison([folder], folder / 'out', formats=[], quiet=True,
                           **{'resamples': 50, **settings})


def write_cells(folder, values, **settings):
    for method, aps in values.items():
        for seed, ap in enumerate(aps):
            write_run(folder / f'{method}-{seed}', method=method, seed=seed, ap=ap, **settings)


def write_detecting(folder, shares, seeds):
    """Runs with their detections, by method: which share of the objects they find."""
    truth = drawn_truth()
    for method, found in shares.items():
        for seed in range(seeds):
            write_run(folder / f'{method}{seed}', method=method, seed=seed, truth=truth,
                      detections=drawn_detections(truth, seed=seed + len(method), found=found))


def test_cells_and_paired_differences(tmp_path):
    a, b = np.array([.302, .306, .304]), np.array([.300, .301, .303])
    write_cells(tmp_path, dict(baseline=b, resizemix=a))
    result = compared(tmp_path)
    assert result.rows == ('baseline', 'ResizeMix') and result.faults == ()
    assert result.cells['ResizeMix', COLUMN].values == pytest.approx(100 * a)
    contrast = result.contrasts['ResizeMix', COLUMN]
    assert contrast.difference == pytest.approx(100 * (a - b).mean()) and contrast.seed.paired
    assert contrast.seed.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert contrast.exact.floor == 0.25 <= contrast.exact.p
    assert contrast.image is None and contrast.verdict == 'undecided', 'images are unknown'


def test_unequal_seeds_are_not_paired(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30, .31], resizemix=[.31, .32, .33]))
    contrast = compared(tmp_path).contrasts['ResizeMix', COLUMN]
    assert not contrast.seed.paired and (contrast.seed.n_a, contrast.seed.n_b) == (3, 2)


def test_fine_tuning_seeds_are_nested_under_their_pretraining(tmp_path):
    for method, base in dict(baseline=.30, resizemix=.31).items():
        for pretraining in range(3):
            for seed in range(2):
                write_run(tmp_path / f'{method}{pretraining}{seed}', method=method, seed=seed,
                          digest=f'{method}{pretraining}', ap=base + .01 * pretraining + .001 * seed)
    contrast = compared(tmp_path).contrasts['ResizeMix', COLUMN]
    assert contrast.unit == 'pretraining' and contrast.seed.n_a == 3, 'not six'
    means = np.array([30.05, 31.05, 32.05])
    assert contrast.seed.p == pytest.approx(stats.ttest_ind(means + 1, means, equal_var=False).pvalue)


def test_random_weights_are_drawn_anew_in_every_run(tmp_path):
    """They are no single pretraining, so that a baseline's fine-tuning seeds stay nested beside them."""
    for pretraining in range(3):
        for seed in range(2):
            write_run(tmp_path / f'baseline{pretraining}{seed}', method='baseline', seed=seed,
                      digest=f'baseline{pretraining}', ap=.30 + .01 * pretraining + .001 * seed)
    scratch = np.array([.20, .22, .21])
    for seed, ap in enumerate(scratch):
        write_run(tmp_path / f'random{seed}', method='random', seed=seed, ap=ap)
    contrast = compared(tmp_path).contrasts['random weights', COLUMN]
    assert contrast.unit == 'pretraining' and (contrast.seed.n_a, contrast.seed.n_b) == (3, 3), 'not six'
    means = np.array([30.05, 31.05, 32.05])
    assert contrast.seed.p == pytest.approx(stats.ttest_ind(100 * scratch, means, equal_var=False).pvalue)


def test_one_run_gives_no_verdict_but_says_what_would(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30], resizemix=[.31]))
    contrast = compared(tmp_path).contrasts['ResizeMix', COLUMN]
    assert contrast.verdict == 'undecided' and contrast.exact is None and contrast.p_holm is None
    assert 2 <= contrast.needed.n < 10, 'a point, against an assumed spread of 0.3'


def write_masks(folder, found, seeds):
    """Write runs with boxes alike and masks that cover ``found`` of what they should."""
    truth = with_masks(drawn_truth(crowds=False))
    for method, share in found.items():
        for seed in range(seeds):
            detections = drawn_detections(truth, seed=seed)
            write_run(folder / f'{method}{seed}', method=method, seed=seed, truth=truth, detections=detections,
                      masks=masks_of(detections, share, seed))
    return truth


def test_kept_masks_are_compared_as_boxes_are(tmp_path):
    truth = write_masks(tmp_path, dict(baseline=.7, cutmix=.7, resizemix=1), seeds=3)
    result = compared(tmp_path, resamples=200)
    assert result.faults == () and [c.label for c in result.columns] == [COLUMN, f'{COLUMN} masks']
    boxes, masks = (result.contrasts['ResizeMix', c.label] for c in result.columns)
    assert boxes.difference == 0 and boxes.verdict != 'better', 'equal boxes'
    cell = result.cells['ResizeMix', masks.column]
    path = tmp_path / 'resizemix0/detections/epoch_2.segm.json'
    again = evaluate(truth, read_detections(path, truth, masks=True), masks=True)
    assert cell.values[0] == 100 * again.value('AP') and set(cell.metrics) == {f'mask {name}' for name in METRICS}
    # The images are resampled: the verdict counts in the family, and by size and class there are intervals.
    assert masks.verdict == 'better' and masks.difference > 5 and masks.image.low > 0 and masks.p_holm < .05
    assert [one.name for one in masks.by_class] == ['cat', 'dog', 'bird'] and masks.by_class[0].interval
    assert [one.name for one in masks.by_size] == [f'mask {name}' for name in METRICS[1:]]
    assert result.contrasts['CutMix', masks.column].verdict in ('undecided', 'equivalent')


@pytest.mark.parametrize('spoil, reason', [
    (lambda masks: [dict(one, segmentation=dict(size=[9, 9], counts='1')) for one in masks],
     r"has the size \[9, 9\], and the image \[320, 320\]"),
    (lambda masks: [dict(one, bbox=[0, 0, 1, 1], segmentation=[[0, 0, 1, 0, 1, 1]]) for one in masks],
     'each needs image_id, category_id, segmentation of size and counts, and score'),
    (lambda masks: masks[9:], r'epoch_2.segm.json gives mask AP \d+.*, the log says .*its logged metrics'),
])
def test_masks_that_are_not_the_runs_leave_the_logged_metrics(tmp_path, spoil, reason):
    write_masks(tmp_path, dict(baseline=1), seeds=1)
    logged = compared(tmp_path).cells['baseline', f'{COLUMN} masks'].mean
    file = tmp_path / 'baseline0/detections/epoch_2.segm.json'
    file.write_text(json.dumps(spoil(json.loads(file.read_text()))))
    result = compared(tmp_path)
    boxes, masks = (result.cells['baseline', c.label] for c in result.columns)
    assert masks.mean == pytest.approx(logged) and masks.evaluations == (None, ) and boxes.evaluations != (None, )
    assert re.search(reason, result.faults[0].reason) and len(result.faults) == 1


def test_masks_that_were_only_logged_have_a_column_without_a_verdict(tmp_path):
    truth = drawn_truth()
    masks = dict(baseline=[.20, .21, .22], resizemix=[.23, .22, .25])
    for method, aps in masks.items():
        for seed, ap in enumerate(aps):
            write_run(tmp_path / f'{method}{seed}', method=method, seed=seed, truth=truth, mask_ap=ap,
                      detections=drawn_detections(truth, seed=seed + len(method)))
    write_run(tmp_path / 'other', method='resizemix', seed=7, lr=1, mask_ap=.5)
    write_run(tmp_path / 'again', method='resizemix', seed=0, truth=truth, mask_ap=.9, start='20260202_000000',
              detections=drawn_detections(truth))
    result = compared(tmp_path)
    assert [c.label for c in result.columns] == [COLUMN, f'{COLUMN} masks']
    boxes, found = (result.cells['ResizeMix', c.label] for c in result.columns)
    assert not any('mask' in name for name in boxes.metrics) and all('mask' in name for name in found.metrics)
    assert found.values == pytest.approx(100 * np.array(masks['resizemix']))
    assert found.runs[0].curve == {1: pytest.approx(.115), 2: .23}
    contrast = result.contrasts['ResizeMix', f'{COLUMN} masks']
    assert contrast.seed.p == pytest.approx(stats.ttest_rel(*masks.values()).pvalue) and contrast.seed.paired
    # Without masks, images are not resampled, so that nothing is claimed, nor paid for in the family.
    assert result.contrasts['ResizeMix', COLUMN].image is not None and contrast.image is None
    assert contrast.p_holm is None and (contrast.verdict, contrast.needed.n) == ('undecided', None)
    reasons = sorted(fault.reason.split(' ')[0] for fault in result.faults)
    assert reasons == ['differs', 'repeats'], 'each run is refused once'


def test_the_headline_says_first_what_is_decided(tmp_path):
    write_detecting(tmp_path, dict(baseline=.5, cutmix=.5, resizemix=.95), seeds=3)
    result = compared(tmp_path, resamples=200)
    gains = [f'{result.contrasts[row, COLUMN].difference:+.2f}'.replace('-', '−')
             for row in ('ResizeMix', 'CutMix')]
    assert headline(result) == (
        f'Against baseline, in points. Decided: ResizeMix better ({gains[0]} in {COLUMN}). '
        f'Undecided: CutMix ({gains[1]} in {COLUMN}).')


def test_a_headline_of_nothing_decided_says_so(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30], resizemix=[.31]))
    assert headline(compared(tmp_path)) == (
        f'Against baseline, in points. Nothing is decided. Undecided: ResizeMix (+1.00 in {COLUMN}).')
    assert headline(compared(tmp_path, baseline='absent')) == 'Nothing could be compared.'


def test_detections_give_unrounded_metrics_and_the_image_interval(tmp_path):
    write_detecting(tmp_path, dict(baseline=.6, cutmix=.6, resizemix=.95), seeds=2)
    result = compared(tmp_path, resamples=200)
    assert result.faults == ()
    contrast = result.contrasts['ResizeMix', COLUMN]
    assert contrast.image.low < contrast.difference < contrast.image.high
    assert contrast.image_se == pytest.approx((contrast.image.high - contrast.image.low) / 3.92,
                                              rel=.3)
    both = contrast.combined.interval()
    assert both.low < contrast.image.low and contrast.image.high < both.high
    assert {e.name for e in contrast.by_class} == {'cat', 'dog', 'bird'}
    assert [e.name for e in contrast.by_size] == ['AP50', 'AP75', 'APs', 'APm', 'APl']
    mean = np.mean([e.difference for e in contrast.by_class])
    assert mean == pytest.approx(contrast.difference), 'AP is the mean over classes'
    holm = [c.p_holm for c in result.contrasts.values()]
    plain = [c.combined.p for c in result.contrasts.values()]
    assert min(holm) == pytest.approx(min(1, 2 * min(plain))), 'a family of two'


def test_the_same_model_twice_differs_by_nothing(tmp_path):
    truth = drawn_truth()
    detections = drawn_detections(truth)
    for method in ('baseline', 'resizemix'):
        for seed in range(3):
            write_run(tmp_path / f'{method}{seed}', method=method, seed=seed, truth=truth,
                      detections=detections)
    contrast = compared(tmp_path).contrasts['ResizeMix', COLUMN]
    assert contrast.difference == 0 == contrast.image.low == contrast.image.high
    assert contrast.verdict == 'equivalent' and contrast.improvement.estimate == 0.5


@pytest.mark.parametrize('seeds', [1, 2])
def test_detectors_that_detect_nothing_are_not_called_equivalent(tmp_path, seeds):
    """Nor are they said to need more runs, from one run each."""
    truth = drawn_truth()
    misses = [dict(image_id=truth.image_ids[0], category_id=1, bbox=[0, 0, 1, 1], score=0.5)]
    for method in ('baseline', 'resizemix'):
        for seed in range(seeds):
            write_run(tmp_path / f'{method}{seed}', method=method, seed=seed, truth=truth,
                      detections=misses)
    contrast = compared(tmp_path).contrasts['ResizeMix', COLUMN]
    assert contrast.verdict == 'undecided'
    assert contrast.needed.reason == 'neither detector reaches 0.2 points'


def test_a_duplicate_seed_is_listed_and_the_first_started_counts(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30, .31], resizemix=[.31, .32]))
    write_run(tmp_path / 'again', seed=1, ap=.99, start='20260202_000000')
    result = compared(tmp_path)
    assert result.cells['ResizeMix', COLUMN].values.max() == 32
    [fault] = result.faults
    assert fault.folder.name == 'again' and 'repeats seed 1' in fault.reason and not fault.bad


def test_another_config_is_refused_and_shown_unless_allowed(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30, .31], resizemix=[.31, .32]))
    write_cells(tmp_path, dict(cutmix=[.40, .41]), lr=.08)
    result = compared(tmp_path)
    assert ('CutMix', COLUMN) not in result.cells
    refused = [f for f in result.faults if f.bad]
    assert len(refused) == 1 and 'optim_wrapper.optimizer.lr: 0.02 there, 0.08 here' in refused[0].reason
    allowed = compared(tmp_path, allow_different=True)
    assert len(allowed.cells['CutMix', COLUMN].runs) == 2
    assert allowed.columns[0].differs == {'optim_wrapper.optimizer.lr': (.02, .08)}
    assert not any(f.bad for f in allowed.faults)


def test_two_configs_with_a_baseline_each_are_two_columns(tmp_path):
    write_cells(tmp_path / 'short', dict(baseline=[.30], resizemix=[.31]), epochs=2)
    write_cells(tmp_path / 'long', dict(baseline=[.40], resizemix=[.41]), epochs=4)
    result = compared(tmp_path)
    assert len(result.columns) == 2 and len({c.label for c in result.columns}) == 2
    assert [round(c.difference, 6) for c in result.contrasts.values()] == [1, 1]


def test_another_evaluation_set_is_another_experiment(tmp_path):
    for method, seed in (('baseline', 0), ('resizemix', 1)):
        truth = drawn_truth(seed=seed)
        write_run(tmp_path / method, method=method, truth=truth, detections=drawn_detections(truth))
    result = compared(tmp_path)
    assert result.contrasts == {}
    assert 'evaluation set (digest)' in next(f for f in result.faults if f.bad).reason


def test_detections_of_another_run_are_not_believed(tmp_path):
    """As when two runs wrote to one outfile_prefix."""
    truth = drawn_truth()
    run = write_run(tmp_path / 'run', method='baseline', truth=truth,
                    detections=drawn_detections(truth))
    logged = compared(tmp_path).cells['baseline', COLUMN].mean
    other = drawn_detections(truth, seed=5, found=.3)
    (run / 'detections/epoch_2.bbox.json').write_text(json.dumps(other))
    result = compared(tmp_path)
    assert result.cells['baseline', COLUMN].mean == pytest.approx(logged)
    assert any('not the detections of epoch 2 of this run' in f.reason for f in result.faults)


def test_annotations_that_changed_are_found_by_digest(tmp_path):
    truth = drawn_truth()
    run = write_run(tmp_path / 'run', method='baseline', truth=truth,
                    detections=drawn_detections(truth))
    changed = dict(truth.content, annotations=truth.content['annotations'][1:])
    (run / 'detections/truth.json').write_text(json.dumps(changed))
    result = compared(tmp_path)
    assert any('has changed since the run was evaluated' in f.reason for f in result.faults)
    assert result.cells['baseline', COLUMN].evaluations == (None, )


@pytest.mark.parametrize('spoil, reason', [
    (lambda found: found[:-9] + 'x', 'not json, or cut off'),
    (lambda found: '{}', 'expected a json list'),
    (lambda found: '[{"image_id": 1}]', 'each needs image_id'),
    (lambda found: found.replace('"image_id": 1,', '"image_id": 777,', 1),
     '1 of its 31 images are not in the annotations'),
    (lambda found: found.replace('"category_id": 1,', '"category_id": 55,', 1), 'categories'),
    (lambda found: found.replace('"score": 0.', '"score": NaN, "x": 0.', 1), 'not finite'),
])
def test_unreadable_detections_leave_the_logged_metrics(tmp_path, spoil, reason):
    truth = drawn_truth()
    run = write_run(tmp_path / 'run', method='baseline', truth=truth,
                    detections=drawn_detections(truth))
    file = run / 'detections/epoch_2.bbox.json'
    file.write_text(spoil(file.read_text()))
    result = compared(tmp_path)
    assert any(reason in f.reason and f.bad for f in result.faults), result.faults
    assert result.cells['baseline', COLUMN].mean > 0


@pytest.mark.parametrize('asked, methods, reason', [
    (None, ['cutmix', 'resizemix'], "no baseline called 'baseline' among 'CutMix', 'ResizeMix'"),
    ('mixup', ['baseline', 'resizemix'], "no baseline matches 'mixup'"),
    ('r', ['resizemix', 'resnet'], "2 baselines match 'r'"),
])
def test_without_one_baseline_nothing_is_compared_but_all_is_tabulated(tmp_path, asked, methods,
                                                                      reason):
    write_cells(tmp_path, {m: [.3] for m in methods})
    result = compared(tmp_path, baseline=asked)
    assert result.contrasts == {} and len(result.cells) == 2
    assert reason in next(f for f in result.faults if f.bad).reason


def test_missing_cells_are_listed(tmp_path):
    write_cells(tmp_path, dict(baseline=[.3], resizemix=[.3]))
    write_cells(tmp_path / 'more', dict(baseline=[.4]), epochs=4)
    result = compared(tmp_path)
    missing = [f for f in result.faults if f.reason == 'no finished run']
    assert len(missing) == 1 and str(missing[0].folder).startswith('ResizeMix') and not missing[0].bad


def test_another_baseline_may_be_named(tmp_path):
    write_cells(tmp_path, dict(baseline=[.30], cutmix=[.31], resizemix=[.33]))
    result = compared(tmp_path, baseline='cutmix')
    assert result.rows[0] == 'CutMix'
    assert result.contrasts['ResizeMix', COLUMN].difference == pytest.approx(2)
