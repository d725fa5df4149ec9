"""Tests of what a mix keeps of objects, on masks drawn by hand."""
import json

import numpy as np
import pytest
import torch
from PIL import Image

from mmresizemix import CutMix, Mix, Mixup, ResizeMix
from mmresizemix.show.objects import (
    BoxedPicture,
    measure_objects,
    object_mask,
    object_shares,
    read_coco,
    read_voc,
)


def boxes(*rows):
    return torch.tensor(rows)


def test_a_cut_by_hand():
    """The source has an object of 4 x 4 in the corner. Half of it is cut out and covers the target's object."""
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, :4, :4] = True
    masks[1, :2, :] = True
    mix = Mix(torch.tensor([1, 0]), source=boxes([0, 0, 8, 1], [2, 0, 6, 4]),
              target=boxes([0, 4, 8, 5], [2, 0, 6, 4]), size=(8, 8))
    found = object_shares(mix, masks)
    assert found.kept.tolist() == [0.5, 0.5]
    assert found.visible[0] == pytest.approx(8 / (8 + 16)), 'the target keeps all its 16 pixels'
    assert found.visible[1] == pytest.approx(8 / (8 + 16 - 8)), 'and loses 8 of 16 here'
    assert found.lam.tolist() == [0.125, 0.25]


def test_resized_objects_are_all_there_and_smaller():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[:, :4] = True
    whole = boxes([0, 0, 8, 8], [0, 0, 8, 8])
    mix = Mix(torch.tensor([1, 0]), whole, boxes([0, 4, 4, 8], [0, 0, 4, 4]), (8, 8))
    found = object_shares(mix, masks)
    assert found.kept.tolist() == [1, 1] and found.gone == 0
    assert found.visible[0] == pytest.approx(8 / (8 + 32))
    assert found.visible[1] == pytest.approx(8 / (8 + 32 - 16))


def test_a_patch_without_the_object():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[:, 0, 0] = True
    box = boxes([0, 0, 8, 1], [4, 4, 8, 8])
    found = object_shares(Mix(torch.tensor([1, 0]), box, box, (8, 8)), masks)
    assert found.kept.tolist() == [1, 0] and found.gone == 0.5
    assert found.error.tolist() == [1 - 0.125, 0.25]


def test_a_blend_shows_both_by_their_weight():
    masks = torch.ones(2, 4, 4, dtype=torch.bool)
    mix = Mixup(seed=0).draw(2, (4, 4))
    found = object_shares(mix, masks)
    assert found.kept == pytest.approx(mix.lam.numpy()) and (found.error < 1e-6).all()


def test_masks_of_boxes_are_their_union():
    mask = object_mask(np.array([[0, 0, .5, .5], [.25, .25, .75, .5], [.9, .9, .9, .9]]), 8)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:4, :4] = expected[2:4, 2:6] = True
    expected[7, 7] = True
    assert torch.equal(mask, expected)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(
            tmp_path / f'{i}.jpg')
    return tmp_path


def test_both_formats_say_the_same(folder):
    images = [dict(id=i, file_name=f'{i}.jpg', width=40, height=30) for i in range(4)]
    (folder / 'coco.json').write_text(json.dumps(dict(
        images=images, annotations=[
            dict(image_id=0, bbox=[10, 6, 20, 15]), dict(image_id=2, bbox=[0, 0, 40, 30]),
            dict(image_id=3, bbox=[0, 0, 4, 3], iscrowd=1)])))
    for name in ('Annotations', 'ImageSets/Main'):
        (folder / name).mkdir(parents=True)
    (folder / 'ImageSets/Main/val.txt').write_text('0\n1\n2\n')
    for i, box in ((0, (11, 7, 30, 21)), (1, None), (2, (1, 1, 40, 30))):
        edges = ''.join(f'<{n}>{v}</{n}>' for n, v in zip(('xmin', 'ymin', 'xmax', 'ymax'), box or
                                                          ()))
        (folder / f'Annotations/{i}.xml').write_text(
            '<annotation><size><width>40</width><height>30</height></size>'
            + (f'<object><bndbox>{edges}</bndbox></object>' if box else '') + '</annotation>')
    ours = [read_coco(folder / 'coco.json', folder), read_voc(folder, 'val')]
    assert [one.path.name for one in ours[0]] == ['0.jpg', '2.jpg']
    for a, b in zip(*ours):
        assert a.path.name == b.path.name and np.allclose(a.boxes, b.boxes)
    assert ours[0][0].boxes.tolist() == [[.25, .2, .75, .7]]


def test_a_set_without_boxes(folder):
    (folder / 'none.json').write_text(json.dumps(dict(images=[], annotations=[])))
    with pytest.raises(ValueError, match='none.json: expected at least 2 pictures with boxes'):
        read_coco(folder / 'none.json', folder)


def test_resizemix_keeps_what_cutmix_loses(folder):
    pictures = [BoxedPicture(folder / f'{i}.jpg', np.array([[.1 * i, .2, .1 * i + .3, .6]]))
                for i in range(4)]
    found = measure_objects(pictures, dict(cut=CutMix(seed=0), resize=ResizeMix(seed=0)), mixes=400, side=32)
    assert len(found['cut'].lam) == 400
    assert (found['resize'].kept == 1).all() and found['resize'].gone == 0
    assert found['cut'].kept.mean() < 0.6 and found['cut'].gone > 0.1
