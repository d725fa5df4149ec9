"""Tests of RecursiveMix: the law of its box, what is pasted from the batch before, and what becomes of the history."""
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from mmresizemix import Mixup, RecursiveMix, ResizeMix
from mmresizemix.batch_augments.recursivemix import History

N = 40_000
RELEASED = dict(per='batch', placement='clipped', interpolation='nearest')


def draw(n, size, **settings):
    """Draw as after a batch of ``n`` pictures of ``size``."""
    augment = RecursiveMix(seed=0, **settings)
    augment.history = History(torch.empty(n, 0, *size), torch.empty(n, 2))
    return augment.draw(n, size)


def batches(count=4, n=5, size=(20, 28), classes=7):
    g = torch.Generator().manual_seed(0)
    return [(torch.rand(n, 3, *size, generator=g), torch.rand(n, classes, generator=g)) for _ in range(count)]


@pytest.mark.parametrize('alpha', [0.5, 1.0])
def test_lambda_is_uniform_and_the_box_has_the_pictures_aspect(alpha):
    H, W = 2000, 3000  # large, so that rounding to whole pixels does not blur the distribution
    mix = draw(N, (H, W), alpha=alpha)
    x1, y1, x2, y2 = mix.target.unbind(1)
    assert (((y2 - y1) * 1.5 - (x2 - x1)).abs() <= 1.25).all()
    # This is the Kolmogorov-Smirnov distance to U(0, alpha). Its 1 % point is 1.63 / sqrt(N).
    empirical = torch.arange(1, N + 1) / N
    assert (mix.lam.sort().values / alpha - empirical).abs().max() < 1.63 / N**0.5 + 1 / 1000
    assert (mix.source == torch.tensor([0, 0, W, H])).all(), 'the whole history is pasted'


def test_sides_are_rounded_so_that_the_mean_of_lambda_stays():
    assert abs(draw(N, (32, 32)).lam.mean().item() - 0.25) < 4 * 0.144 / N**0.5


def test_every_place_inside_is_equally_likely():
    x1, y1, x2, _ = draw(N, (8, 8)).target.unbind(1)
    half = (x2 - x1 == 4)  # sides of 3.5 to 4.5
    counts = torch.bincount((x1 * 5 + y1)[half], minlength=25)
    assert stats.chisquare(counts.numpy()).pvalue > 0.001


def test_clipped_boxes_are_those_of_the_released_code():
    """The centre is uniform over the picture, and what sticks out is cut off."""
    rng = np.random.default_rng(0)
    side = np.sqrt(rng.uniform(0, 0.5, N))[:, None] * (60, 40)
    centre, half = rng.integers(0, (60, 40), (N, 2)), side.astype(int) // 2
    width, height = ((centre + half).clip(0, (60, 40)) - (centre - half).clip(0, (60, 40))).T
    x1, y1, x2, y2 = draw(N, (40, 60), placement='clipped').target.numpy().T
    for ours, theirs in ((x2 - x1, width), (y2 - y1, height), ((x2 - x1) * (y2 - y1), width * height)):
        assert stats.ks_2samp(ours, theirs).pvalue > 0.001


def test_per_batch_is_one_box():
    assert len(draw(64, (224, 224), per='batch').target.unique(dim=0)) == 1
    assert len(draw(64, (224, 224)).target.unique(dim=0)) == 64


@pytest.mark.parametrize('settings', [{}, dict(interpolation='nearest'), RELEASED, dict(inplace=True)])
def test_each_batch_is_the_definition_applied_to_the_one_before(settings):
    augment = RecursiveMix(**settings, seed=0)
    how = dict(mode='nearest') if augment.interpolation == 'nearest' else dict(mode='bilinear', align_corners=False)
    x_h = y_h = None
    for t, (x, y) in enumerate(batches()):
        expected, labels = x.clone(), y.clone()
        mixed, scores = augment(x, y)
        for i, (x1, y1, x2, y2) in enumerate(augment.drawn.target.tolist() if t else ()):
            size, lam = (y2 - y1, x2 - x1), (x2 - x1) * (y2 - y1) / (20 * 28)
            expected[i, :, y1:y2, x1:x2] = F.interpolate(x_h[i:i + 1], size, **how)[0]
            labels[i] = lam * y_h[i] + (1 - lam) * labels[i]
        assert torch.equal(mixed, expected) and torch.allclose(scores, labels, atol=1e-6)
        assert (augment.drawn.lam > 0).all() == (t > 0), 'the first batch alone is not mixed'
        x_h, y_h = expected, labels


def test_labels_of_three_batches_by_hand():
    """Sample 0 has class t in batch t. Boxes have a half and a quarter of the sides."""
    augment = RecursiveMix(seed=0)
    boxes = iter([[2, 1, 6, 5], [0, 0, 2, 2]])
    plain = augment.draw

    def boxed(n, size):
        mix = plain(n, size)
        return replace(mix, target=torch.tensor([next(boxes)])) if mix.from_history else mix

    augment.draw = boxed
    for t in range(3):
        pictures, scores = augment(torch.full((1, 1, 8, 8), float(t)), F.one_hot(torch.tensor([t]), 3))
    assert scores.tolist() == [[1 / 16 * 1 / 4, 1 / 16 * 3 / 4, 15 / 16]]
    assert torch.equal(pictures[0, 0, 2:], torch.full((6, 8), 2.)) and (pictures[0, 0, :2, :2] < 2).all()


def test_on_constant_pictures_the_mean_is_the_labels():
    values = torch.arange(1., 10).double()
    constant = values[:, None, None, None].expand(9, 3, 31, 47)
    augment = RecursiveMix(seed=3)
    augment(constant.flip(0), torch.eye(9).double().flip(0))
    out, scores = augment(constant, torch.eye(9).double())
    assert torch.allclose(out.mean((1, 2, 3)), scores @ values, atol=1e-12)


@pytest.mark.parametrize('inplace', [False, True])
def test_the_history_is_a_copy_without_gradients(inplace):
    (x, y), (later, later_y), _, _ = batches()
    augment = RecursiveMix(inplace=inplace, seed=0)
    mixed, scores = augment(x, y)
    kept = [t.clone() for t in (mixed, scores)]
    for tensor in (x, y, mixed, scores):
        tensor.zero_()
    assert torch.equal(augment.history.x, kept[0]) and torch.equal(augment.history.y, kept[1])
    _, scores = augment(later, later_y.requires_grad_())
    assert scores.requires_grad and not augment.history.y.requires_grad


def test_a_batch_of_another_size():
    """A smaller batch gets the first samples. In a larger one, those without a counterpart are not mixed."""
    augment = RecursiveMix(seed=0)
    (x, y), (other, other_y), (third, third_y), _ = batches()
    augment(x, y)
    first = augment.history.x.clone()
    mixed, _ = augment(other[:2], other_y[:2])
    box = augment.drawn.target[1].tolist()
    patch = F.interpolate(first[1:2], (box[3] - box[1], box[2] - box[0]), mode='bilinear')[0]
    assert torch.equal(mixed[1, :, box[1]:box[3], box[0]:box[2]], patch)
    mixed, scores = augment(third, third_y)
    assert [lam > 0 for lam in augment.drawn.lam.tolist()] == [True, True, False, False, False]
    assert torch.equal(mixed[2:], third[2:]) and torch.equal(scores[2:], third_y[2:])
    small = torch.rand(5, 3, 10, 14)
    assert torch.equal(augment(small, y)[0], small), 'pictures of another size have no history'


def test_a_larger_batch_in_place():
    (x, y), (other, other_y), _, _ = batches()
    results = []
    for inplace in (False, True):
        augment = RecursiveMix(inplace=inplace, seed=0)
        augment(x[:2].clone(), y[:2])
        results.append(augment(other.clone(), other_y))
    assert all(map(torch.equal, *results))


def test_an_epoch_begins_without_a_history():
    straight, fresh = RecursiveMix(), RecursiveMix()
    for x, y in batches(2):
        straight(x, y)
    for augment in (straight, fresh):
        augment.set_epoch(1, seed=4)
    for x, y in batches():
        assert all(map(torch.equal, straight(x, y), fresh(x, y)))


def test_a_saved_state_goes_on_as_if_nothing_had_happened():
    straight = RecursiveMix(seed=0)
    steps = batches(5)
    for x, y in steps[:3]:
        straight(x, y)
        straight.exchange(torch.full((5, 7), 1 / 7))
    file = io.BytesIO()
    torch.save(straight.state_dict(), file)
    resumed = RecursiveMix(seed=9)
    resumed.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    for x, y in steps[3:]:
        assert all(map(torch.equal, straight(x, y), resumed(x, y)))
        one, two = (augment.exchange(y) for augment in (straight, resumed))
        assert torch.equal(one[1], two[1]) and torch.equal(one[0].target, two[0].target)


def test_predictions_come_back_one_batch_later_and_only_for_batches_of_its_own():
    augment, other = RecursiveMix(seed=0), Mixup(seed=0)
    (x, y), (x2, y2), _, _ = batches()
    augment(x, y)
    assert augment.exchange(y) is None, 'there is no history yet'
    other(x, y)
    assert augment.exchange(torch.rand(5, 7)) is None, 'the batch was not mixed by it'
    augment(x2, y2)
    mix, p_h = augment.exchange(y2)
    assert mix is augment.drawn and torch.equal(p_h, y)
    augment(x, y)  # no head tells of this batch
    augment(x2, y2)
    assert augment.exchange(y2) is None


def test_to_apply_a_mix_again_changes_nothing():
    augment = RecursiveMix(seed=0)
    (x, y), (x2, y2), _, _ = batches()
    augment(x, y)
    mix = augment.draw(5, (20, 28))
    first, again = (augment.apply(mix, x2, y2) for _ in range(2))
    assert all(map(torch.equal, first, again))
    for stranger in (ResizeMix(), RecursiveMix()):
        with pytest.raises(ValueError, match='history: expected at least 5 samples, got None'):
            stranger.apply(mix, x2, y2)


def test_labels_of_another_width_are_named():
    augment = RecursiveMix(seed=0)
    x = torch.rand(2, 3, 8, 8)
    augment(x, torch.eye(2))
    with pytest.raises(ValueError, match=r'scores: expected 2 classes .*, got 3'):
        augment(x, torch.eye(3)[:2])


def test_off_the_cpu_nothing_is_read_back():
    """Meta tensors have no values, so reading one raises an error."""
    for interpolation in ('nearest', 'bilinear'):
        augment = RecursiveMix(interpolation=interpolation, inplace=True, seed=0)
        x, y = torch.empty(4, 3, 16, 16, device='meta'), torch.empty(4, 10, device='meta')
        for _ in range(2):
            mixed, scores = augment(x, y)
        assert mixed is x and scores.is_meta and augment.drawn.from_history


@pytest.mark.parametrize('arguments, name', [
    (dict(alpha=0), 'alpha'), (dict(alpha=1.1), 'alpha'), (dict(alpha='half'), 'alpha'),
    (dict(placement='shifted'), 'placement'), (dict(interpolation='bicubic'), 'interpolation')])
def test_bad_arguments_are_named_with_what_came(arguments, name):
    with pytest.raises(ValueError, match=f'^{name}: expected .* got ') as error:
        RecursiveMix(**arguments)
    assert repr(arguments[name]) in str(error.value)
