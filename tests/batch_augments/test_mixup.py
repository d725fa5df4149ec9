"""Tests of Mixup: the distribution of its shares, and its pictures and labels."""
import pytest
import torch
from scipy import stats

from mmresizemix import Mixup


@pytest.mark.parametrize('alpha', [1.0, 0.2])
def test_shares_follow_beta(alpha):
    lam = Mixup(alpha, seed=0).draw(20_000, (2, 2)).lam
    assert stats.kstest(lam.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.001


def test_pictures_and_labels_are_blended_alike():
    x, y = torch.rand(6, 3, 4, 5), torch.eye(6)
    augment = Mixup(seed=0)
    mix = augment.draw(6, (4, 5))
    out, scores = augment.apply(mix, x, y)
    for i, (p, lam) in enumerate(zip(mix.partner.tolist(), mix.lam.tolist())):
        assert torch.allclose(out[i], lam * x[p] + (1 - lam) * x[i], atol=1e-6)
        assert scores[i, p].item() == pytest.approx(lam, abs=1e-6)


def test_per_batch_is_one_share_for_all():
    assert len(set(Mixup(per='batch', seed=0).draw(16, (2, 2)).lam.tolist())) == 1
