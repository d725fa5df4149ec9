"""Tests that --data-root and --classes reach every place of a config."""
from collections.abc import Mapping

import pytest
from mmdet.datasets import VOCDataset
from mmengine.config import Config

from mmresizemix.openmmlab.installed import read_config
from mmresizemix.training.own_set import check_class_texts, set_classes, set_data_root

NAMES = ['traffic light', 'car', 'Ölfass']
CUSTOM = ('ssd_r18_coco', 'ssd_r18_voc', 'faster-rcnn_r18_coco', 'faster-rcnn_r18_voc')
# The data root of each config, and the number of heads that it gives a number of classes.
DETECTORS = {
    **{f'configs/custom/{name}.py': ('data/my_set', 1) for name in CUSTOM},
    'configs/ssd/ssd300_r50_8xb8-24e_voc0712.py': ('data/VOCdevkit', 1),
    'configs/faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py': ('data/VOCdevkit', 1),
    'configs/mask_rcnn/mask-rcnn_r50_fpn_8xb2-12e_coco.py': ('data/coco', 2),
    'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py': ('data/coco', 3),
    'mmdet::seesaw_loss/mask-rcnn_r50_fpn_seesaw-loss_random-ms-2x_lvis-v1.py': ('data/lvis_v1', 3),
}


def texts(found):
    """Yield every text in nested settings."""
    if isinstance(found, Mapping):
        found = list(found.values())
    for one in found if isinstance(found, (list, tuple)) else [found]:
        yield from texts(one) if isinstance(one, (Mapping, list, tuple)) else [one]


def values(found, key):
    """Yield every value of ``key`` in nested settings."""
    inside = found.items() if isinstance(found, Mapping) else enumerate(found if isinstance(found, (list, tuple)) else ())
    for name, value in inside:
        if name == key:
            yield value
        yield from values(value, key)


def data_of(cfg):
    return [cfg.get(f'{split}_{part}') for split in ('train', 'val', 'test') for part in ('dataloader', 'evaluator')]


@pytest.mark.parametrize('name', DETECTORS)
def test_every_path_of_a_detector_is_moved(name):
    root, _ = DETECTORS[name]
    cfg = read_config(name)
    before = [text for text in texts(data_of(cfg)) if str(text).startswith(root)]
    set_data_root(cfg, 'data/my photos/')
    after = [str(text) for text in texts(data_of(cfg))]
    assert sum(text.startswith('data/my photos') for text in after) == len(before) >= 2
    assert not any(text.startswith(root) or '//' in text for text in after)
    assert {root.rstrip('/') for root in values(data_of(cfg), 'data_root')} == {'data/my photos'}


@pytest.mark.parametrize('name', DETECTORS)
def test_every_set_and_head_of_a_detector_has_the_classes(name):
    cfg = read_config(name)
    set_classes(cfg, NAMES)
    assert {*values(data_of(cfg), 'classes')} == {tuple(NAMES)} and not [*values(data_of(cfg), 'palette')]
    assert [*values(cfg.model, 'num_classes')] == [3] * DETECTORS[name][1]
    assert 'VOCDataset' not in [*texts(data_of(cfg))], 'it would give them VOC\'s names'


def test_a_classifier_of_ones_own_pictures():
    cfg = read_config('configs/custom/resnet18_folder.py')
    set_data_root(cfg, '/my/photos')
    set_classes(cfg, NAMES)
    assert [*values(data_of(cfg), 'data_root')] == ['/my/photos'] * 3
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == 3
    assert not [*values(data_of(cfg), 'classes')], 'the folders have the names'


def test_moving_twice_and_into_a_folder_inside():
    """A part that two sections share is moved once, although the new folder is inside the old one."""
    cfg = read_config('configs/custom/ssd_r18_coco.py')
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, cfg.val_evaluator
    set_data_root(cfg, 'data/my_set/inside')
    assert cfg.test_evaluator.ann_file == 'data/my_set/inside/annotations/instances_val2017.json'
    set_data_root(cfg, 'data/other')
    assert cfg.val_evaluator.ann_file == 'data/other/annotations/instances_val2017.json'


def config(**train):
    return Config(dict(default_scope='mmdet', model=dict(bbox_head=dict(num_classes=20)), train_dataloader=dict(
        dataset=dict(type='VOCDataset', **train))))


@pytest.mark.parametrize('change, named', [
    (lambda cfg: set_data_root(cfg, 'x'), 'whose sets all have one data_root, got none; give the paths of each set'),
    (lambda cfg: set_data_root(Config(dict(model={})), 'x'), 'got no set; give'),
    (lambda cfg: set_classes(Config(dict(model={})), ['a']), 'has no model or no set'),
    (lambda cfg: set_classes(cfg, []), 'expected names that differ'),
    (lambda cfg: set_classes(cfg, ['a', 'a']), "expected names that differ, got 'a, a'"),
])
def test_what_cannot_be_changed_is_said(change, named):
    with pytest.raises(ValueError, match=named):
        change(config())


def test_several_roots_are_named():
    cfg = config(data_root='a/')
    cfg.val_dataloader = dict(dataset=dict(type='VOCDataset', data_root='b/'))
    with pytest.raises(ValueError, match="one data_root, got 'a/', 'b/'; give"):
        set_data_root(cfg, 'x')


def test_a_model_with_another_number_is_said():
    cfg = config()
    set_classes(cfg, ['a'])
    assert cfg.model.bbox_head.num_classes == 1 and len(VOCDataset.METAINFO['classes']) == 20
    cfg.model.bbox_head.num_classes = 7
    with pytest.raises(ValueError, match='nothing in the model has num_classes='):
        set_classes(cfg, ['a', 'b'])


def test_a_single_class_without_its_comma_is_named(tmp_path):
    cfg = config(metainfo=dict(classes='cat'))
    with pytest.raises(ValueError, match=r"is the text 'cat', of which each letter .* write \('cat', \), with a comma"):
        check_class_texts(cfg)
    (tmp_path / 'names.txt').write_text('cat')
    check_class_texts(config(metainfo=dict(classes=str(tmp_path / 'names.txt'))))
    check_class_texts(config(metainfo=dict(classes=('cat', ))))
    check_class_texts(config())
