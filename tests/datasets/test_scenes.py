"""Tests of the demo scenes: what is drawn, what is written about it, and that OpenMMLab reads the same."""
import json
import os
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from mmdet.datasets import CocoDataset, VOCDataset
from mmpretrain.datasets import CustomDataset, ImageNet
from pycocotools import mask as mask_tools

from mmresizemix.datasets import SCENE_CLASSES, draw_crop, draw_scene, picture_rng, write_scenes
from mmresizemix.datasets import scenes as module
from mmresizemix.datasets.scene_files import CocoWriter, VocWriter, run_lengths
from mmresizemix.datasets.shapes import draw_mask

SMALL = dict(crops=(2, 1), crop_size=32, coco=(4, 2), voc=(3, 2, 2), scene_size=(96, 64))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', **SMALL)


def contents(root):
    return {path.relative_to(root): path.read_bytes()
            for path in root.rglob('*') if path.is_file()}


def some_scenes(count=40):
    return [draw_scene((96, 64), picture_rng(3, 'test', index)) for index in range(count)]


def test_the_same_parameters_write_the_same_bytes(root, tmp_path):
    assert contents(write_scenes(tmp_path / 'again', **SMALL)) == contents(root)


def test_another_seed_draws_every_picture_anew(root, tmp_path):
    other = contents(write_scenes(tmp_path / 'other', **SMALL, seed=1))
    pictures = [path for path in other if path.suffix == '.jpg']
    assert pictures and all(other[path] != contents(root)[path] for path in pictures)


def test_no_two_pictures_are_equal(root):
    pictures = [path.read_bytes() for path in root.rglob('*.jpg')]
    assert len(set(pictures)) == len(pictures) == 6 * 3 + 6 + 7


def test_a_larger_set_extends_a_smaller_one(root, tmp_path):
    larger = write_scenes(tmp_path / 'larger', **{**SMALL, 'crops': (3, 2), 'coco': (6, 3),
                                                  'voc': (5, 3, 4)})
    grown = contents(larger)
    for path, content in contents(root).items():
        if path.suffix in ('.jpg', '.xml'):
            assert grown[path] == content
        elif path.suffix == '.txt':
            assert grown[path].startswith(content)
    for split in ('train', 'val'):
        path = f'coco/annotations/instances_{split}2017.json'
        few, many = (json.loads((folder / path).read_text()) for folder in (root, larger))
        assert all(many[key][:len(few[key])] == few[key] for key in few if key != 'info')


def test_boxes_are_tight_around_the_visible_shape():
    for scene in some_scenes():
        for item in scene.objects:
            x0, y0, x1, y1 = item.box
            inside = item.visible[y0:y1 + 1, x0:x1 + 1]
            assert inside.sum() == item.visible.sum()
            assert inside[0].any() and inside[-1].any()
            assert inside[:, 0].any() and inside[:, -1].any()


def test_a_square_has_the_box_and_the_area_that_geometry_gives():
    mask = draw_mask('square', (40, 30), centre=(20, 15), radius=10 * 2**.5, degrees=45)
    item = module._objects([(0, mask)])[0]
    assert item.box == (10, 5, 29, 24)
    assert mask.sum() == pytest.approx(400, rel=.04)


def test_what_a_nearer_object_hides_belongs_to_it_alone():
    for scene in some_scenes():
        assert np.sum([item.visible for item in scene.objects], axis=0).max() == 1


def test_coco_and_voc_write_the_same_pixels_under_their_own_conventions(tmp_path):
    coco, voc = (writer(tmp_path / 'VOC2007', 'train', SCENE_CLASSES)
                 for writer in (CocoWriter, VocWriter))
    for number, scene in enumerate(some_scenes(10), 1):
        coco.add(number, scene)
        voc.add(number, scene)
        boxes = [entry['bbox'] for entry in coco.content['annotations']
                 if entry['image_id'] == number]
        xml = ElementTree.parse(tmp_path / f'VOC2007/Annotations/{number:06d}.xml')
        for (x, y, width, height), node in zip(boxes, xml.iter('bndbox'), strict=True):
            assert [int(side.text) for side in node] == [x + 1, y + 1, x + width, y + height]


@pytest.mark.parametrize('mask', [[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0, 0], [0, 1, 1]]])
def test_masks_are_run_lengths_as_cocos_tools_read_them(mask):
    mask = np.array(mask, bool)
    written = run_lengths(mask)
    assert (mask_tools.decode(mask_tools.frPyObjects(written, *mask.shape)) == mask).all()
    assert sum(written['counts'][1::2]) == mask.sum()


def test_classes_are_balanced_and_scenes_hold_two_to_five_objects():
    scenes = some_scenes(200)
    assert {len(scene.objects) for scene in scenes} == {2, 3, 4, 5}
    counts = Counter(item.label for scene in scenes for item in scene.objects)
    assert max(counts.values()) < 1.35 * min(counts.values())


def test_objects_are_as_large_as_asked_for():
    """The test takes ellipses that nothing hides or cuts. The longer side of their box is 0.9 to 1 of the diameter."""
    scenes = [draw_scene((200, 150), picture_rng(5, 'sides', index), (.4, .4)) for index in range(60)]
    round_ones = [item for scene in scenes for item in scene.objects[-1:]
                  if SCENE_CLASSES[item.label] in ('circle', 'ring') and not item.truncated]
    assert len(round_ones) > 10
    for x0, y0, x1, y1 in (item.box for item in round_ones):
        assert .9 * 60 - 2 < max(x1 - x0, y1 - y0) + 1 < 60 + 2


def test_colour_does_not_tell_the_class():
    """Mean colours of the classes' crops differ by no more than chance allows."""
    means = np.array([[draw_crop(label, 32, picture_rng(0, SCENE_CLASSES[label], index))
                       .pixels.mean((0, 1)) for index in range(60)]
                      for label in range(len(SCENE_CLASSES))])
    error = means.std(1) / 60**.5
    assert (np.abs(means.mean(1) - means.mean((0, 1))) < 4 * error).all()


@pytest.mark.parametrize('split, count', [('train', 4), ('val', 2)])
def test_mmdet_reads_the_coco_part(root, split, count):
    data = CocoDataset(data_root=f'{root}/coco',
                       ann_file=f'annotations/instances_{split}2017.json',
                       data_prefix=dict(img=f'{split}2017/'), pipeline=[], test_mode=True,
                       metainfo=dict(classes=SCENE_CLASSES))
    assert len(data) == count
    for index in range(count):
        scene = draw_scene((96, 64), picture_rng(0, f'coco/{split}2017', index))
        instances = data.get_data_info(index)['instances']
        assert [one['bbox_label'] for one in instances] == [item.label for item in scene.objects]
        edges = [[x0, y0, x1 + 1, y1 + 1] for x0, y0, x1, y1 in (i.box for i in scene.objects)]
        assert [one['bbox'] for one in instances] == edges
        for one, item in zip(instances, scene.objects):
            mask = mask_tools.decode(mask_tools.frPyObjects(one['mask'], *item.visible.shape))
            assert (mask == item.visible).all()


@pytest.mark.parametrize('year, split, count', [
    ('VOC2007', 'trainval', 3), ('VOC2012', 'trainval', 2), ('VOC2007', 'test', 2)])
def test_mmdet_reads_the_voc_part(root, year, split, count):
    data = VOCDataset(data_root=f'{root}/VOCdevkit/',
                      ann_file=f'{year}/ImageSets/Main/{split}.txt',
                      data_prefix=dict(sub_data_root=f'{year}/'), pipeline=[], test_mode=True,
                      metainfo=dict(classes=SCENE_CLASSES))
    assert len(data) == count and data.metainfo['dataset_type'] == year
    for index in range(count):
        scene = draw_scene((96, 64), picture_rng(0, f'{year}/{split}', index))
        info = data.get_data_info(index)
        assert os.path.exists(info['img_path']) and (info['width'], info['height']) == (96, 64)
        assert [one['bbox_label'] for one in info['instances']] == [
            item.label for item in scene.objects]
        assert [tuple(one['bbox']) for one in info['instances']] == [
            item.box for item in scene.objects]


def test_mmpretrain_reads_the_classification_part(root):
    folder = f'{root}/classification'
    custom = CustomDataset(data_root=folder, data_prefix='train', pipeline=[])
    assert custom.CLASSES == tuple(sorted(SCENE_CLASSES)) and len(custom) == 12
    imagenet = ImageNet(data_root=folder, split='val', pipeline=[],
                        metainfo=dict(classes=sorted(SCENE_CLASSES)))
    assert sorted(imagenet.get_gt_labels()) == [0, 1, 2, 3, 4, 5]


def test_a_written_set_is_reused_untouched(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob('*')}
    assert write_scenes(root, **SMALL) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob('*')} == before


def test_other_parameters_are_refused_by_name(root):
    named = 'crop_size 32 there, 40 asked for.*seed 0 there, 5 asked for.*remove'
    with pytest.raises(ValueError, match=named):
        write_scenes(root, **{**SMALL, 'crop_size': 40}, seed=5)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(ValueError, match='no scenes.json.*choose another folder'):
        write_scenes(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']


def test_parameters_out_of_range_are_all_named(tmp_path):
    named = 'coco takes 2 .*crop_size is at least 16.*object_sides is .*seed is 0 or more'
    with pytest.raises(ValueError, match=named):
        write_scenes(tmp_path / 'scenes', **{**SMALL, 'coco': (1, ), 'crop_size': 2}, object_sides=(.5, .2), seed=-1)


def test_objects_that_could_vanish_between_pixels_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r'object_sides: an object is at least 4 pixels wide, got .0\.01, 0\.02. of 64'):
        write_scenes(tmp_path / 'scenes', **{**SMALL, 'scene_size': (64, 64)}, object_sides=(.01, .02))
    write_scenes(tmp_path / 'scenes', **{**SMALL, 'scene_size': (64, 64)}, object_sides=(4 / 64, 4 / 64))


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def stop(done, total):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_scenes(tmp_path / 'scenes', **SMALL, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_a_living_one_keeps_its_own(tmp_path, root):
    dead, alive = (tmp_path / f'.scenes.writing-{pid}' for pid in (2**22 + 1, os.getppid()))
    for folder in (dead, alive):
        (folder / 'coco').mkdir(parents=True)
    assert contents(write_scenes(tmp_path / 'scenes', **SMALL)) == contents(root)
    assert not dead.exists() and alive.exists()


def test_of_two_writers_the_later_takes_what_the_first_wrote(tmp_path):
    def be_overtaken(done, total):
        if done == total:
            write_scenes(tmp_path / 'fast', **SMALL)
            (tmp_path / 'fast').rename(tmp_path / 'scenes')

    assert write_scenes(tmp_path / 'scenes', **SMALL, progress=be_overtaken) == tmp_path / 'scenes'
    assert [path.name for path in tmp_path.iterdir()] == ['scenes']


def test_progress_counts_every_picture(tmp_path):
    seen = []
    write_scenes(tmp_path / 'scenes', **SMALL, progress=lambda *step: seen.append(step))
    assert seen == [(done, 31) for done in range(1, 32)]
