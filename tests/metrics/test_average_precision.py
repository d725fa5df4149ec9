"""Tests that the weighted AP equals pycocotools' and MMDetection's on the set, and pycocotools' on sets whose images
were physically duplicated."""
import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
from mmdet.evaluation import eval_map
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from result_samples import drawn_detections, drawn_truth, masks_of, with_masks

from mmresizemix.metrics.average_precision import AREA, VOC_RECALLS, average_precision
from mmresizemix.metrics.detections import Truth, UnreadableDetections, read_detections, read_truth
from mmresizemix.metrics.evaluation import evaluate, image_weights
from mmresizemix.metrics.matching import Matched, match_coco, match_voc

COCO_METRICS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')  # in the order of COCOeval's stats


def reference(truth, detections, kind='bbox'):
    """Return pycocotools' own six numbers, with every digit, and with NaN in place of -1."""
    with redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth.content
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes([dict(d) for d in detections]), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.where(evaluation.stats[:6] < 0, np.nan, evaluation.stats[:6])


def duplicated(truth, detections, weights):
    """Return the set and its detections, with image i ``weights[i]`` times under new ids."""
    images, annotations, found = [], [], []
    for image, times in zip(truth.image_ids, weights):
        for _ in range(times):
            new = len(images) + 1
            images.append(dict(id=new, width=320, height=320))
            annotations += [dict(a, image_id=new, id=0) for a in truth.content['annotations']
                            if a['image_id'] == image]
            found += [dict(d, image_id=new) for d in detections if d['image_id'] == image]
    for i, a in enumerate(annotations):
        a['id'] = i + 1
    content = dict(images=images, annotations=annotations, categories=truth.content['categories'])
    return Truth(content, 'duplicated'), found


@pytest.mark.parametrize('seed', range(4))
def test_equals_pycocotools_on_the_set_and_on_physically_duplicated_ones(seed):
    truth = drawn_truth(seed=seed)
    detections = drawn_detections(truth, seed=seed + 10)
    resamples = 5
    ours = evaluate(truth, detections, resamples=resamples, seed=seed)
    weights = image_weights(30, resamples, seed)
    assert weights.sum(1).tolist() == [30] * resamples and weights.max() > 1
    for b, weight in enumerate([np.ones(30, int), *weights]):
        theirs = reference(*duplicated(truth, detections, weight))
        found = [ours.overall[name][b] for name in COCO_METRICS]
        np.testing.assert_allclose(found, theirs, rtol=0, atol=1e-12)
    assert 0.2 < ours.value('AP') < 0.9


@pytest.mark.parametrize('mode, metric', [('11points', 'VOC11'), ('area', 'VOCarea')])
@pytest.mark.parametrize('seed', range(3))
def test_voc_equals_mmdetections(seed, mode, metric):
    truth = drawn_truth(seed=seed)
    detections = drawn_detections(truth, seed=seed + 10)

    def corners(boxes):
        xywh = np.array([b['bbox'] for b in boxes], float).reshape(-1, 4)
        return np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), 1)

    predicted, annotated = [], []
    for image in truth.image_ids:
        here = [d for d in detections if d['image_id'] == image]
        per_class = [[d for d in here if d['category_id'] == k] for k in truth.categories]
        predicted.append([np.hstack((corners(ds), np.array([d['score'] for d in ds])[:, None]))
                          .astype(np.float32) if ds else np.zeros((0, 5), np.float32)
                          for ds in per_class])
        objects = [a for a in truth.content['annotations'] if a['image_id'] == image]
        kinds = [[a for a in objects if a['iscrowd'] == crowd] for crowd in (0, 1)]
        plain, difficult = ((corners(k).astype(np.float32),
                             np.array([a['category_id'] - 1 for a in k], int)) for k in kinds)
        annotated.append(dict(bboxes=plain[0], labels=plain[1], bboxes_ignore=difficult[0],
                              labels_ignore=difficult[1]))
    theirs, _ = eval_map(predicted, annotated, iou_thr=0.5, eval_mode=mode, nproc=1,
                         use_legacy_coordinate=True, logger='silent')
    ours = evaluate(truth, detections, voc=True).value(metric)
    assert ours == pytest.approx(theirs, abs=2e-7), 'theirs divides in float32'
    assert ours > 0.2


def test_an_ap_that_can_be_computed_by_hand():
    """Three objects get the detections hit, miss and hit. Precision is 1, 1/2, 2/3, and recall is 1/3, 1/3, 2/3."""
    matched = Matched(image=np.array([0, 0, 1]), hit=np.array([[True, False, True]]),
                      ignored=np.zeros((1, 3), bool), positives=np.array([0, 1, 1]))
    one = np.ones((1, 2), int)
    assert average_precision(matched, one, AREA)[0, 0] == pytest.approx(1 / 3 + 2 / 9)
    points = average_precision(matched, one, VOC_RECALLS)[0, 0]
    assert points == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)
    without_first = np.array([[0, 1]])  # with one hit and two objects, 1/2 of the recalls have precision 1
    assert average_precision(matched, without_first, AREA)[0, 0] == pytest.approx(1 / 2)
    assert np.isnan(average_precision(matched, np.array([[0, 0]]), AREA)[0, 0]), 'no object left'


def test_nothing_detected_is_an_ap_of_zero():
    truth = drawn_truth()
    ours = evaluate(truth, [], voc=True, resamples=2)
    assert ours.value('AP') == 0 and ours.value('VOC11') == 0 and len(ours.overall['AP']) == 3


@pytest.mark.parametrize('box, boxes', [([1, 2, 3], 5), ([1, 2, 3, 4, 5], 1), ([1, 2], 5)])
def test_boxes_have_four_numbers(tmp_path, box, boxes):
    truth = drawn_truth(images=5)
    found = [dict(image_id=1, category_id=1, bbox=box, score=.5)] * boxes
    (tmp_path / 'found.json').write_text(json.dumps(found))
    with pytest.raises(UnreadableDetections, match='bbox of four numbers'):
        read_detections(tmp_path / 'found.json', truth)


def test_a_class_without_detections_or_objects():
    truth = drawn_truth()
    truth.content['categories'].append(dict(id=9, name='unicorn'))
    ours = evaluate(truth, [d for d in drawn_detections(truth) if d['category_id'] != 1])
    assert ours.by_class['AP'][0, 0] == 0 and np.isnan(ours.by_class['AP'][0, 3])
    assert match_coco(truth, [])['all'][3].positives.size == 0 == match_voc(truth, [])[3].image.size


def test_the_same_draws_pair_two_models():
    truth = drawn_truth(images=60)
    detections = drawn_detections(truth)
    a, b = (evaluate(truth, detections, resamples=20) for _ in range(2))
    assert (a.overall['AP'] == b.overall['AP']).all()
    other = evaluate(truth, detections, resamples=20, seed=1)
    assert (a.overall['AP'][1:] != other.overall['AP'][1:]).all()


def test_the_image_interval_covers_the_truth_19_times_in_20():
    """There are 500 pairs of models over 500 drawn sets. The expected difference is known from all of them."""
    values, intervals = [], []
    for seed in range(500):
        difference = _resampled_difference(seed)
        values.append(difference[0])
        intervals.append(np.quantile(difference[1:], (0.025, 0.975)))
    truth = np.mean(values)
    covered = [low <= truth <= high for low, high in intervals]
    assert 1 < truth < 10, 'the models really differ'
    standard_error = np.sqrt(0.95 * 0.05 / len(covered))
    assert abs(np.mean(covered) - 0.95) < 3 * standard_error


def _resampled_difference(seed, images=60, resamples=200):
    rng = np.random.default_rng(seed)
    object_image = np.repeat(np.arange(images), rng.poisson(3, images))
    hardness = rng.normal(0, 1, images)[object_image] + rng.normal(0, 1, len(object_image))
    weights = np.concatenate((np.ones((1, images), int), image_weights(images, resamples, seed)))
    ap = [100 * average_precision(_planted(rng, object_image, hardness, skill, images),
                                  weights)[:, 0] for skill in (0.3, 0)]
    return ap[0] - ap[1]


def _planted(rng, object_image, hardness, skill, images):
    """Return the matches of a model that finds an object by its hardness and has two false alarms per image."""
    found = rng.random(len(object_image)) < 1 / (1 + np.exp(hardness - skill))
    false = np.repeat(np.arange(images), rng.poisson(2, images))
    score = np.concatenate((rng.normal(1, 1, found.sum()), rng.normal(-0.3, 1, len(false))))
    order = np.argsort(-score)
    hit = np.concatenate((np.ones(found.sum(), bool), np.zeros(len(false), bool)))[order]
    return Matched(np.concatenate((object_image[found], false))[order], hit[None],
                   np.zeros((1, len(hit)), bool), object_image)


def test_masks_have_the_size_of_masks_also_beside_boxes():
    """MMDetection writes the box beside each mask. COCO's tools would then take the box's area for the mask's."""
    truth = with_masks(drawn_truth(images=40, crowds=False))
    detections = drawn_detections(truth)
    masks = masks_of(detections, found=.5)
    beside = [dict(mask, bbox=box['bbox']) for mask, box in zip(masks, detections)]
    alone, both = (evaluate(truth, found, masks=True) for found in (masks, beside))
    assert {k: v[0] for k, v in alone.overall.items()} == pytest.approx({k: v[0] for k, v in both.overall.items()})
    assert [alone.value(name) for name in COCO_METRICS] == pytest.approx(reference(truth, masks, 'segm'), abs=1e-12)
    assert alone.value('AP') > 0


@pytest.mark.parametrize('segmentation', [None, [], [[]], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]], 'x', dict(size=[1, 1])])
def test_a_truth_without_a_mask_is_named(tmp_path, segmentation):
    content = with_masks(drawn_truth()).content
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    assert read_truth(tmp_path / 'truth.json', masks=True)
    content['annotations'][3]['segmentation'] = segmentation
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    assert read_truth(tmp_path / 'truth.json')
    with pytest.raises(UnreadableDetections, match='truth.json: annotation 4 has no mask'):
        read_truth(tmp_path / 'truth.json', masks=True)


TRUTH_FAULTS = {
    **{f'no {name}': (part, name, None, f'{part}: .* has no valid {name}') for part, name in (
        ('images', 'id'), ('annotations', 'id'), ('annotations', 'image_id'), ('annotations', 'category_id'),
        ('annotations', 'bbox'), ('annotations', 'area'), ('categories', 'id'), ('categories', 'name'))},
    'NaN': ('annotations', 'area', float('nan'), '.*has no valid area'),
    'beyond floats': ('annotations', 'area', 10**400, '.*has no valid area'),
    'a text in a box': ('annotations', 'bbox', [1, 2, 3, '4'], '.*has no valid bbox'),
    'an id twice': ('images', 'id', 2, 'images: ids that are given twice'),
    'ids of two types': ('categories', 'id', 'x', 'categories: ids that are .*of several types'),
}


@pytest.mark.parametrize('name', TRUTH_FAULTS)
def test_a_truth_that_no_evaluation_reads_is_named(tmp_path, name):
    part, key, value, named = TRUTH_FAULTS[name]
    content = drawn_truth().content
    content[part][0][key] = value
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    with pytest.raises(UnreadableDetections, match=f'truth.json: {named}'):
        read_truth(tmp_path / 'truth.json')


@pytest.mark.parametrize('score', ['0.5', None, [0.5], 10**400])
def test_scores_are_numbers(tmp_path, score):
    truth = drawn_truth()
    found = drawn_detections(truth)
    found[3]['score'] = score
    (tmp_path / 'found.json').write_text(json.dumps(found))
    with pytest.raises(UnreadableDetections, match='not detections; each needs .* and score'):
        read_detections(tmp_path / 'found.json', truth)


def test_other_keys_of_detections_are_left_out(tmp_path):
    """COCO's tools would take a 'caption' for results of another kind."""
    truth = drawn_truth()
    found = drawn_detections(truth)
    (tmp_path / 'found.json').write_text(json.dumps([dict(one, caption='a cat', id='x') for one in found]))
    assert read_detections(tmp_path / 'found.json', truth) == found
