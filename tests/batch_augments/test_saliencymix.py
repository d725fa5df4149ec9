"""Tests of SaliencyMix: its boxes are CutMix's, around the source's most salient pixel."""
import numpy as np
import pytest
import torch
from scipy import stats

from mmresizemix import SaliencyMix


def test_boxes_lie_around_the_sources_peak_and_are_as_large_as_cutmixs():
    n, H, W = 4000, 40, 60
    A = torch.rand(n, H, W, generator=torch.Generator().manual_seed(0))
    peak = A.flatten(1).argmax(1)
    mix = SaliencyMix(seed=0).draw(n, (H, W), A)
    assert mix.source is mix.target
    x1, y1, x2, y2 = mix.target.T
    x, y = peak[mix.partner] % W, peak[mix.partner] // W
    full = x2 > x1  # a box of less than two pixels is empty
    inside = (x1 <= x) & (x < x2) & (y1 <= y) & (y < y2)
    assert inside[full & (y2 > y1)].all()
    away = (x1 > 0) & (x2 < W) & (y1 > 0) & (y2 < H) & full
    assert ((x1 + x2) // 2 == x)[away].all() and ((y1 + y2) // 2 == y)[away].all()
    # Sides that are not clipped follow W sqrt(U), as those of CutMix do.
    centred = torch.zeros(n, H, W)
    centred[:, H // 2, W // 2] = 1
    sides = SaliencyMix(seed=1).draw(n, (H, W), centred).target
    width = (sides[:, 2] - sides[:, 0]).numpy()
    drawn = (W * np.sqrt(np.random.default_rng(0).random(n))).astype(int) // 2 * 2
    assert stats.ks_2samp(width, drawn).pvalue > 0.001


def test_per_batch_is_one_box_around_the_first_source():
    A = torch.rand(8, 32, 32)
    mix = SaliencyMix(per='batch', seed=3).draw(8, (32, 32), A)
    x1, y1, x2, y2 = mix.target[0].tolist()
    peak = int(A[mix.partner[0]].argmax())
    assert (mix.target == mix.target[0]).all()
    assert x1 <= peak % 32 < x2 and y1 <= peak // 32 < y2


def test_an_unknown_saliency():
    with pytest.raises(ValueError, match="^saliency: .*'FineGrained', 'GradCAM', 'InputGradient'"):
        SaliencyMix(saliency=dict(type='Guess'))
