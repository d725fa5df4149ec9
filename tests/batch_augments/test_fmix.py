"""Tests of FMix: the area and the spectrum of its masks."""
import numpy as np
import pytest
import torch
from scipy import stats

from mmresizemix import FMix


def test_areas_follow_beta_and_are_the_labels():
    augment = FMix(seed=0)
    mix = augment.draw(3000, (16, 24))
    assert stats.kstest(mix.lam.numpy() + np.random.default_rng(0).uniform(-.5, .5, 3000) / 384,
                        stats.uniform().cdf).pvalue > 0.001
    assert set(mix.weight.unique().tolist()) == {0, 1}
    x = torch.stack([torch.zeros(1, 16, 24), torch.ones(1, 16, 24)])
    pair = augment.draw(2, (16, 24))
    out, scores = augment.apply(pair, x, torch.eye(2))
    assert torch.allclose(out.mean((1, 2, 3)), scores[:, 1]), 'pixels and labels disagree'


@pytest.mark.parametrize('decay', [1.0, 3.0])
def test_amplitudes_fall_with_the_frequency_as_asked(decay):
    side = 64
    noise = FMix(decay_power=decay, seed=0)._smooth_noise(400, (side, side))
    power = torch.fft.rfft2(noise).abs().square().mean(0).numpy()
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    inner = (f > 2 / side) & (f < 0.45)
    inner[:, [0, -1]] = False  # these columns hold both halves of a real picture's spectrum
    slope = np.polyfit(np.log(f[inner]), np.log(power[inner]), 1)[0]
    assert slope == pytest.approx(-2 * decay, abs=0.05)


def test_masks_are_smooth():
    """Neighbours agree far more often than if every pixel is drawn alone."""
    mask = FMix(seed=0).draw(200, (32, 32)).weight
    assert (mask[:, 1:] != mask[:, :-1]).float().mean() < 0.06
    alone = FMix(decay_power=0, seed=0).draw(200, (32, 32)).weight
    assert (alone[:, 1:] != alone[:, :-1]).float().mean() > 0.25


def test_per_batch_is_one_mask_for_all():
    weight = FMix(per='batch', seed=0).draw(8, (16, 16)).weight
    assert (weight == weight[0]).all()


def test_a_decay_that_is_none():
    with pytest.raises(ValueError, match='^decay_power: expected a number >= 0, got -1'):
        FMix(decay_power=-1)
