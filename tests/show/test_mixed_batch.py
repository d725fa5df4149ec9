"""Tests of the picture of a mixed batch."""
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mmresizemix import ResizeMix
from mmresizemix.show.mixed_batch import label_lines, show_mix


@pytest.mark.parametrize('scores, text', [
    ([0, 1, 0], 'dog'), ([0.24, 0, 0.76], '0.76 a very long class…\n0.24 cat'),
    ([0.002, 0.998, 0], 'dog'), ([0.5, 0.5, 0], '0.50 dog\n0.50 cat'),
])
def test_labels_are_lines_with_their_shares(scores, text):
    assert label_lines(scores, ['cat', 'dog', 'a very long class name of ImageNet']) == text


def test_a_picture_is_written_whole(tmp_path):
    x, scores = torch.rand(3, 3, 16, 16), torch.eye(3)
    augment = ResizeMix(seed=0)
    mix = augment.draw(3, (16, 16))
    after, mixed = augment.apply(mix, x, scores)
    pictures = [(255 * t).byte().permute(0, 2, 3, 1).numpy() for t in (x, after)]
    path = show_mix(tmp_path / 'new' / 'mix.png', mix, before=pictures[0], after=pictures[1], scores_before=scores,
                    scores_after=mixed, classes=['a', 'b', 'c'])
    drawn = np.asarray(Image.open(path).convert('RGB'))
    assert drawn.shape[0] > 300 and drawn.shape[1] > 300
    outline = (np.abs(drawn.astype(int) - [0xff, 0x2d, 0x55]).sum(2) < 30).sum()
    assert outline > 200, 'the boxes are outlined'
    assert [p.name for p in path.parent.iterdir()] == ['mix.png']


def test_the_source_row_shows_the_partners(tmp_path):
    flat = 255 * torch.eye(3, dtype=torch.uint8).view(3, 1, 1, 3).repeat(1, 16, 16, 1).numpy()
    scores = torch.eye(3)
    mix = next(mix for mix in (ResizeMix(seed=seed).draw(3, (16, 16)) for seed in range(99))
               if mix.partner.tolist() == [1, 2, 0])
    assert sources_shown(tmp_path, mix, flat) == [1, 2, 0]
    earlier = replace(mix, from_history=True)
    assert sources_shown(tmp_path, earlier, flat, history=(np.roll(flat, 1, axis=0), scores)) == [0, 1, 2]


def sources_shown(folder, mix, pictures, **settings):
    """Return the colours of the row of sources, from left to right."""
    scores = torch.eye(3)
    path = show_mix(folder / 'mix.png', mix, before=pictures, after=pictures, scores_before=scores,
                    scores_after=scores, classes=['r', 'g', 'b'], **settings)
    drawn = np.asarray(Image.open(path).convert('RGB'))
    across = drawn[len(drawn) // 2]  # a line of pixels through the second row of three
    shown = [pixel.argmax() for pixel in across if sorted(pixel) == [0, 0, 255]]
    return list(dict.fromkeys(shown))
