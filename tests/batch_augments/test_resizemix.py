"""Tests of ResizeMix: the distributions of sides and places, the labels, and what lies in the patch."""
import pytest
import torch
import torch.nn.functional as F

from mmresizemix import ResizeMix

N = 40_000


def sides(mix):
    x1, y1, x2, y2 = mix.target.unbind(1)
    return x2 - x1, y2 - y1


@pytest.mark.parametrize('placement', ['shifted', 'uniform'])
def test_tau_is_uniform_and_the_patch_keeps_the_aspect(placement):
    H, W = 2000, 3000  # large, so that rounding to whole pixels does not blur the distribution
    w, h = sides(ResizeMix(placement=placement, seed=0).draw(N, (H, W)))
    tau = w.double() / W
    assert torch.equal((h.double() / H * W - w).abs() <= 2, torch.ones(N, dtype=torch.bool))
    # This is the Kolmogorov-Smirnov distance to U(0.1, 0.8). Its 1 % point is 1.63 / sqrt(N).
    empirical = torch.arange(1, N + 1) / N
    assert ((tau.sort().values - 0.1) / 0.7 - empirical).abs().max() < 1.63 / N**0.5 + 1 / 2000


@pytest.mark.parametrize('size', [(32, 32), (224, 224), (100, 37)])
def test_sides_are_floored_as_in_the_authors_code(size):
    H, W = size
    tau = torch.tensor([0.1, 0.35, 0.8], dtype=torch.float64)
    for t in tau:
        w, h = sides(ResizeMix(scale_range=(float(t), float(t)), seed=0).draw(5, size))
        assert (w == max(1, int(t * W))).all() and (h == max(1, int(t * H))).all()


def test_mean_source_weight_is_that_of_the_paper():
    lam = ResizeMix(seed=0).draw(N, (2240, 2240)).lam
    expected = (0.8**3 - 0.1**3) / (3 * 0.7)  # E[tau^2] = 0.2433
    assert abs(lam.mean().item() - expected) < 4 * 0.186 / N**0.5 + 5e-4


def test_shifted_is_a_uniform_centre_moved_inside():
    """Two patches in three touch a border (A.1, eqs. 13-14), as in the authors' code."""
    H = W = 224
    mix = ResizeMix(seed=0).draw(N, (H, W))
    x1, y1, x2, y2 = mix.target.unbind(1)
    touches = (x1 == 0) | (y1 == 0) | (x2 == W) | (y2 == H)
    assert abs(touches.double().mean().item() - 0.6567) < 0.012

    # Off the borders the centre is uniform, so all interior corners of one patch size are equally likely.
    half = ResizeMix(scale_range=(0.5, 0.5), seed=1).draw(N, (8, 8))
    counts = torch.bincount(half.target[:, 0], minlength=5).double() / N
    # The centres are 0..7. A corner is the centre - 2, moved into 0..4.
    assert torch.allclose(counts, torch.tensor([3, 1, 1, 1, 2], dtype=torch.float64) / 8, atol=0.01)


def test_uniform_placement_is_uniform_over_all_corners():
    mix = ResizeMix(scale_range=(0.5, 0.5), placement='uniform', seed=0).draw(N, (8, 8))
    counts = torch.bincount(mix.target[:, 0] * 5 + mix.target[:, 1], minlength=25).double() / N
    assert torch.allclose(counts, torch.full((25, ), 1 / 25, dtype=torch.float64), atol=0.006)


@pytest.mark.parametrize('placement', ['shifted', 'uniform'])
@pytest.mark.parametrize('size', [(1, 1), (1, 9), (7, 5), (33, 64)])
def test_no_patch_leaves_the_picture_and_none_is_empty(placement, size):
    mix = ResizeMix(scale_range=(0.01, 1.0), placement=placement, seed=0).draw(500, size)
    w, h = sides(mix)  # Mix itself refuses a box that leaves the picture
    assert (w >= 1).all() and (h >= 1).all()


@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear'])
def test_label_is_the_exact_area_on_constant_pictures(interpolation):
    """Each picture has one value, so the mean of a mixed picture is its label times the values. One line checks box,
    partner and label."""
    n = 9
    values = torch.arange(1., n + 1)
    x = values[:, None, None, None].expand(n, 3, 31, 47).double()
    out, scores = ResizeMix(interpolation=interpolation, seed=3)(x, torch.eye(n).double())
    assert torch.allclose(out.mean((1, 2, 3)), scores @ values.double(), atol=1e-12)


@pytest.mark.parametrize('antialias', [False, True])
def test_the_patch_is_the_whole_source_resized(antialias):
    x = torch.rand(6, 3, 40, 56)
    augment = ResizeMix(antialias=antialias, seed=0)
    mix = augment.draw(6, (40, 56))
    out, _ = augment.apply(mix, x, torch.eye(6))
    for i, (p, (x1, y1, x2, y2)) in enumerate(zip(mix.partner.tolist(), mix.target.tolist())):
        patch = F.interpolate(x[p:p + 1], (y2 - y1, x2 - x1), mode='bilinear', align_corners=False,
                              antialias=antialias)[0]
        assert torch.equal(out[i, :, y1:y2, x1:x2], patch)
        outside = torch.ones(40, 56, dtype=torch.bool)
        outside[y1:y2, x1:x2] = False
        assert torch.equal(out[i][:, outside], x[i][:, outside])


def authors_loop(x, partner, tau, corners):
    """Mix like the authors' released code: with one resize of the batch, and a box for each sample."""
    patches = F.interpolate(x[partner], scale_factor=tau)
    out = x.clone()
    for i, (x1, y1) in enumerate(corners):
        out[i, :, y1:y1 + patches.shape[2], x1:x1 + patches.shape[3]] = patches[i]
    lam = patches.shape[2] * patches.shape[3] / (x.shape[2] * x.shape[3])
    return out, lam


@pytest.mark.parametrize('tau', [0.125, 0.25, 0.5])
def test_per_batch_nearest_is_the_authors_code(tau):
    x = torch.rand(5, 3, 64, 64)
    augment = ResizeMix((tau, tau), per='batch', interpolation='nearest', seed=0)
    mix = augment.draw(5, (64, 64))
    out, scores = augment.apply(mix, x, torch.eye(5))
    expected, lam = authors_loop(x, mix.partner, tau, mix.target[:, :2].tolist())
    assert torch.equal(out, expected)
    assert torch.allclose(scores, lam * torch.eye(5)[mix.partner] + (1 - lam) * torch.eye(5))


def test_per_batch_draws_one_tau_and_a_place_for_each_sample():
    mix = ResizeMix(per='batch', seed=0).draw(64, (224, 224))
    assert len(set(mix.lam.tolist())) == 1
    assert len({tuple(b) for b in mix.target.tolist()}) > 30


def test_prob_is_a_share_of_samples_or_of_batches():
    lam = ResizeMix(prob=0.3, seed=0).draw(N, (64, 64)).lam
    assert abs((lam > 0).double().mean().item() - 0.3) < 0.01
    augment = ResizeMix(prob=0.3, per='batch', seed=0)
    mixed = [(augment.draw(4, (64, 64)).lam > 0).double().mean().item() for _ in range(2000)]
    assert set(mixed) == {0.0, 1.0} and abs(sum(mixed) / 2000 - 0.3) < 0.05


BAD = [
    (dict(scale_range=(0.8, 0.1)), 'scale_range'), (dict(scale_range=(0, 0.5)), 'scale_range'),
    (dict(scale_range=0.5), 'scale_range'), (dict(scale_range=(0.1, float('nan'))), 'scale_range'),
    (dict(scale_range=(0.1, 1.2)), 'scale_range'), (dict(per='pixel'), 'per'),
    (dict(placement='clipped'), 'placement'), (dict(interpolation='bicubic'), 'interpolation'),
    (dict(interpolation='nearest', antialias=True), 'antialias'), (dict(prob=1.5), 'prob'),
    (dict(prob='half'), 'prob'), (dict(inplace=1), 'inplace'), (dict(seed=-1), 'seed'),
    (dict(seed=1.5), 'seed'), (dict(num_classes=0), 'num_classes'),
]


@pytest.mark.parametrize('arguments, name', BAD)
def test_bad_arguments_are_named_with_what_came(arguments, name):
    with pytest.raises(ValueError, match=f'^{name}: expected .* got ') as error:
        ResizeMix(**arguments)
    assert repr(arguments[name]) in str(error.value)
