"""Tests that CutMix draws and pastes boxes as published."""
import numpy as np
import pytest
import torch
from scipy import stats

from mmresizemix import CutMix

N = 40_000


def published_boxes(n, W, H, alpha, rng):
    """Return n boxes (x1, y1, x2, y2), drawn as by ``rand_bbox`` of the authors of CutMix."""
    ratio = np.sqrt(1 - rng.beta(alpha, alpha, n))
    w, h = (W * ratio).astype(int), (H * ratio).astype(int)
    x, y = rng.integers(0, W, n), rng.integers(0, H, n)
    clipped = [np.clip(e, 0, side) for e, side in ((x - w // 2, W), (y - h // 2, H),
                                                   (x + w // 2, W), (y + h // 2, H))]
    return np.stack(clipped, 1)


@pytest.mark.parametrize('alpha', [1.0, 0.4])
def test_boxes_follow_the_published_law(alpha):
    ours = CutMix(alpha, seed=0).draw(N, (48, 64)).target.numpy()
    theirs = published_boxes(N, 64, 48, alpha, np.random.default_rng(0))
    for edge in range(4):
        assert stats.ks_2samp(ours[:, edge], theirs[:, edge]).pvalue > 0.001
    area = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (ours, theirs)]
    assert stats.ks_2samp(*area).pvalue > 0.001


def test_the_patch_comes_from_the_same_place_of_the_source():
    x = torch.rand(6, 3, 32, 40)
    augment = CutMix(seed=1)
    mix = augment.draw(6, (32, 40))
    out, scores = augment.apply(mix, x, torch.eye(6))
    for i, (p, (x1, y1, x2, y2)) in enumerate(zip(mix.partner.tolist(), mix.target.tolist())):
        expected = x[i].clone()
        expected[:, y1:y2, x1:x2] = x[p, :, y1:y2, x1:x2]
        assert torch.equal(out[i], expected)
        assert scores[i, p].item() == pytest.approx((x2 - x1) * (y2 - y1) / (32 * 40), abs=1e-7)


def test_per_batch_is_one_box_for_all():
    mix = CutMix(per='batch', seed=0).draw(16, (224, 224))
    assert (mix.target == mix.target[0]).all()
    boxes = {tuple(CutMix(per='batch', seed=s).draw(2, (224, 224)).target[0].tolist())
             for s in range(20)}
    assert len(boxes) > 10


@pytest.mark.parametrize('alpha', [0, -1, 'one', None, float('inf')])
def test_bad_alpha(alpha):
    with pytest.raises(ValueError, match='^alpha: expected a number > 0, got '):
        CutMix(alpha)
