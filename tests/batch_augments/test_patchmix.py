"""Tests of the rows of Table 1: where they cut a patch, and where they paste it."""
import numpy as np
import pytest
import torch
from scipy import stats

from mmresizemix import PatchMix, ResizeMix
from mmresizemix.batch_augments.regions import salient_pixel

SIZE, N = (40, 60), 5000
ROWS = {2: ('random', 'corresponding'), 3: ('random', 'non_salient'), 4: ('random', 'salient'),
        5: ('random', 'random'), 6: ('non_salient', 'random'), 7: ('salient', 'random'),
        8: ('random', 'random'), 9: ('whole', 'random')}


@pytest.fixture(scope='module')
def heat():
    """Heatmaps A with one largest and one least pixel, and the (x, y) of both, each (N, 2)."""
    H, W = SIZE
    rng = np.random.default_rng(0)
    largest = torch.from_numpy(rng.integers(0, H * W, N))
    least = (largest + torch.from_numpy(rng.integers(1, H * W, N))) % (H * W)
    A = torch.full((N, H * W), 0.5)
    A[torch.arange(N), largest], A[torch.arange(N), least] = 1., 0.
    return A.view(N, H, W), *(torch.stack([p % W, p // W], 1) for p in (largest, least))


def draw(row, heat):
    augment = PatchMix(*ROWS[row], saliency=dict(type='FineGrained'), seed=row)
    return augment.draw(N, SIZE, heat[0]) if augment.saliency else augment.draw(N, SIZE)


def is_around(boxes, pixel):
    """Return which regions have the pixel as their centre, unless they were moved inside the picture (eqs. 12-14)."""
    found = torch.ones(len(boxes), dtype=torch.bool)
    for low, high, at, side in ((0, 2, pixel[:, 0], SIZE[1]), (1, 3, pixel[:, 1], SIZE[0])):
        begin, end = boxes[:, low], boxes[:, high]
        wanted = at - (end - begin) // 2
        found &= begin == wanted.clamp(min=0).minimum(side - (end - begin))
    return found


@pytest.mark.parametrize('row', ROWS)
def test_where_patches_come_from_and_go(row, heat):
    source_region, paste_region = ROWS[row]
    mix = draw(row, heat)
    _, largest, least = heat
    for kind, boxes, highest, lowest in (
            (source_region, mix.source, largest[mix.partner], least[mix.partner]),
            (paste_region, mix.target, largest, least)):
        if kind == 'whole':
            continue
        salient, not_salient = is_around(boxes, highest), is_around(boxes, lowest)
        assert salient.all() if kind == 'salient' else salient.float().mean() < 0.25
        assert not_salient.all() if kind == 'non_salient' else not_salient.float().mean() < 0.25
    if row == 2:
        assert torch.equal(mix.source, mix.target)
    if row == 9:
        assert (mix.source == torch.tensor([0, 0, SIZE[1], SIZE[0]])).all()
    else:
        assert torch.equal(*(b[:, 2:] - b[:, :2] for b in (mix.source, mix.target))), 'resized'


@pytest.mark.parametrize('row', ROWS)
def test_sizes_follow_one_law(row, heat):
    """All rows draw the same sizes as ResizeMix, so that they differ in one thing only."""
    sides = draw(row, heat).target
    expected = ResizeMix(seed=99).draw(N, SIZE).target
    for low, high in ((0, 2), (1, 3)):
        assert stats.ks_2samp(*((b[:, high] - b[:, low]).numpy() for b in (sides, expected))
                              ).pvalue > 0.001


def test_row_9_is_resizemix(heat):
    """Each edge has the same distribution, and the same boxes give the same pixels."""
    ours, expected = draw(9, heat).target, ResizeMix(seed=98).draw(N, SIZE).target
    for edge in range(4):
        assert stats.ks_2samp(ours[:, edge].numpy(), expected[:, edge].numpy()).pvalue > 0.001
    x, y = torch.rand(4, 3, 20, 30), torch.eye(4)
    mix = ResizeMix(seed=0).draw(4, (20, 30))
    assert torch.equal(PatchMix('whole', 'random').apply(mix, x, y)[0],
                       ResizeMix().apply(mix, x, y)[0])


def test_a_cut_patch_is_copied_exactly():
    x = torch.rand(6, 3, 20, 30)
    augment = PatchMix('random', 'random', seed=0)
    mix = augment.draw(6, (20, 30))
    out, _ = augment.apply(mix, x, torch.eye(6))
    for i, p in enumerate(mix.partner.tolist()):
        (a, b, c, d), (e, f, g, h) = mix.source[i].tolist(), mix.target[i].tolist()
        assert torch.equal(out[i, :, f:h, e:g], x[p, :, b:d, a:c])


def test_every_salient_pixel_is_as_likely():
    A = torch.tensor([[0., 2, 2], [2, 1, 0]]).expand(6000, 2, 3)
    x, y = salient_pixel(A, torch.rand(6000, generator=torch.Generator().manual_seed(0)))
    found, counts = torch.stack([x, y], 1).unique(dim=0, return_counts=True)
    assert found.tolist() == [[0, 1], [1, 0], [2, 0]]
    assert stats.chisquare(counts.numpy()).pvalue > 0.001


def test_where_nothing_is_salient_any_pixel_is():
    x, y = salient_pixel(torch.zeros(5000, 8, 8), torch.rand(5000))
    assert len(set(zip(x.tolist(), y.tolist()))) == 64


@pytest.mark.parametrize('settings, named', [
    (dict(source_region='middle', paste_region='random'), "source_region: expected one of 'rand"),
    (dict(source_region='random', paste_region='whole'), "paste_region: expected one of 'corres"),
    (dict(source_region='whole', paste_region='corresponding'), 'paste_region: .* whole source'),
    (dict(source_region='random', paste_region='random', scale_range=(0.5, 0.2)), 'scale_range: '),
])
def test_bad_arguments_are_named(settings, named):
    with pytest.raises(ValueError, match=named):
        PatchMix(**settings)
