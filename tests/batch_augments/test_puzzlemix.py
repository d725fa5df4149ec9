"""Tests of Puzzle Mix: its two problems are solved to the optimum, and its labels are exact."""
import itertools

import pytest
import torch

from mmresizemix import PuzzleMix
from mmresizemix.batch_augments.puzzle import optimal_moves, optimal_shares


class Bright:
    """A saliency that asks no model."""

    def attach(self, model):
        pass

    def __call__(self, inputs, scores):
        return inputs.float().mean(1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def energy(z, cost, rows, columns):
    """Return the first problem's objective for z (B, B) in levels 0..m."""
    m = cost.shape[-1] - 1
    total = cost.gather(-1, z[..., None]).sum()
    for w, d in ((rows, z[1:] - z[:-1]), (columns, z[:, 1:] - z[:, :-1])):
        total = total + (w * (d / m)**2).sum()
    return float(total)


@pytest.mark.parametrize('m', [1, 2, 3])
def test_shares_are_the_global_optimum(m):
    """The shares are compared with all (m + 1)^4 masks of 2 x 2 blocks. All problems are solved in one graph."""
    g = generator(m)
    n = 20
    cost = torch.rand(n, 2, 2, m + 1, generator=g, dtype=torch.float64)
    rows = torch.rand(n, 1, 2, generator=g, dtype=torch.float64)
    columns = torch.rand(n, 2, 1, generator=g, dtype=torch.float64)
    found = (optimal_shares(cost, rows, columns) * m).round().long()
    masks = [torch.tensor(z).view(2, 2) for z in itertools.product(range(m + 1), repeat=4)]
    for i in range(n):
        least = min(energy(z, cost[i], rows[i], columns[i]) for z in masks)
        assert energy(found[i], cost[i], rows[i], columns[i]) == pytest.approx(least, abs=1e-9)


def test_moves_are_the_best_permutation():
    """The moves are compared with all 24 permutations of 2 x 2 blocks."""
    z, s = (torch.rand(30, 2, 2, generator=generator(k), dtype=torch.float64) for k in (1, 2))
    place = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    for xi in (0., 0.2, 5.):
        def gain(i, order):
            moved = ((place - place[order])**2).sum(1)
            return float((z[i].flatten() * s[i].flatten()[order]).sum() - xi * moved.sum())

        for i, order in enumerate(optimal_moves(z, s, xi)):
            best = max(gain(i, torch.tensor(p)) for p in itertools.permutations(range(4)))
            assert gain(i, order) == pytest.approx(best, abs=1e-12)
        if xi == 5.:
            assert (optimal_moves(z, s, xi) == torch.arange(4)).all(), 'dear moves were made'


def test_the_mask_keeps_what_is_salient():
    """Each picture is bright in one half, and the mask shows both bright halves."""
    x = torch.zeros(2, 1, 32, 32)
    x[0, :, :, :16], x[1, :, :, 16:] = 1, 1
    augment = PuzzleMix(blocks=(8, ), eta=0., xi=None, saliency=Bright(), seed=0)
    out, scores = augment(x, torch.eye(2))
    assert torch.equal(out[0], torch.ones(1, 32, 32)) and torch.equal(out[1], out[0])
    assert scores[0].tolist() == [0.5, 0.5]


def test_blocks_move_to_where_they_show():
    """Both pictures are bright on the left. The source shows on the right, and the target on the left."""
    x = torch.full((2, 1, 32, 32), 0.01)
    x[..., :16] = 1
    z, partner = torch.tensor([[0., 1], [0, 1]]).expand(2, 2, 2), torch.tensor([1, 0])
    augment = PuzzleMix(move_blocks=2, saliency=Bright())
    weight = z.repeat_interleave(16, 1).repeat_interleave(16, 2)
    moves = augment._moves(z.double(), partner, Bright()(x, None), xi=0.)
    mix = augment._whole(partner, (32, 32), weight, torch.tensor([True]), moves)
    assert augment.apply(mix, x, torch.eye(2))[0].min() == 1, 'a dark block shows'


@pytest.mark.parametrize('lam, expected', [(0.02, 0.), (0.98, 1.)])
def test_the_prior_asks_for_the_drawn_share(lam, expected):
    augment = PuzzleMix(eta=50., saliency=Bright())
    x = torch.rand(4, 3, 16, 16, generator=generator())
    partner = torch.tensor([1, 2, 3, 0])
    z = augment._shares(torch.full((4, ), lam, dtype=torch.float64), partner, 4, saliency=x.mean(1), pictures=x)
    assert (z == expected).all()


def test_smoothness_counts_borders_of_the_pictures():
    """The cut minimises the objective, which is computed here with the borders written out. All shares are binary."""
    B, beta, gamma = 2, 1.2, 0.5
    x = torch.rand(2, 3, 8, 8, generator=generator(5), dtype=torch.float64)
    saliency, partner = torch.rand(2, 8, 8, generator=generator(6)), torch.tensor([1, 0])
    augment = PuzzleMix(levels=1, beta=beta, gamma=gamma, eta=0., xi=None, saliency=Bright())
    z = augment._shares(torch.full((2, ), .5, dtype=torch.float64), partner, B, saliency=saliency, pictures=x)
    s = torch.nn.functional.avg_pool2d(saliency.double()[:, None], 4)[:, 0]
    s /= s.sum((1, 2), keepdim=True)

    def objective(i, mask):
        mask = torch.tensor(mask).view(B, B)
        lost = torch.where(mask == 1, s[i], s[partner[i]]).sum()
        smooth = 0.
        for vertical in (True, False):
            for k in range(B):
                a, b = ((0, k), (1, k)) if vertical else ((k, 0), (k, 1))
                za, zb = int(mask[a]), int(mask[b])
                shown_a, shown_b = (torch.nn.functional.avg_pool2d(
                    x[int(partner[i])] if shown else x[i], 4) for shown in (za, zb))
                border = (shown_a[:, a[0], a[1]] - shown_b[:, b[0], b[1]]).abs().mean()
                smooth += (za - zb)**2 + gamma * float(border)
        return float(lost) + beta / (16 * B) * smooth

    for i in range(2):
        least = min(objective(i, m) for m in itertools.product((0, 1), repeat=4))
        assert objective(i, z[i].long().flatten().tolist()) == pytest.approx(least, abs=1e-6)


def test_labels_are_the_mean_share_and_pixels_agree():
    """Each picture has one brightness, so moved blocks look as before."""
    x = torch.arange(6.).view(6, 1, 1, 1).expand(6, 3, 32, 48).clone()
    augment = PuzzleMix(saliency=Bright(), seed=0)
    for _ in range(6):
        mixed, scores = augment(x, torch.eye(6))
        assert torch.allclose(mixed.mean((1, 2, 3)), scores @ torch.arange(6.), atol=1e-5)
        assert torch.allclose(scores.sum(1), torch.ones(6))


def test_moving_keeps_every_pixel():
    x = torch.rand(4, 3, 32, 32, generator=generator())
    mix = PuzzleMix(saliency=Bright(), seed=1).draw(4, (32, 32), Bright()(x, None), x)
    assert (mix.moves.sort(-1).values == torch.arange(mix.moves.shape[-1])).all()


def test_in_place_and_the_seed():
    x = torch.rand(4, 3, 32, 32, generator=generator())
    out, scores = PuzzleMix(saliency=Bright(), seed=2)(x, torch.eye(4))
    again, _ = PuzzleMix(saliency=Bright(), seed=2, inplace=True)(x, torch.eye(4))
    assert again is x and torch.equal(out, again)
    unmixed, scores = PuzzleMix(saliency=Bright(), prob=0., xi=0.)(x, torch.eye(4))
    assert torch.equal(scores, torch.eye(4)) and torch.equal(unmixed, x), 'blocks moved unmixed'


def test_sides_that_no_block_divides():
    with pytest.raises(ValueError, match='blocks: expected a number that divides 33 and 32'):
        PuzzleMix(saliency=Bright())(torch.rand(2, 3, 33, 32), torch.eye(2))


@pytest.mark.parametrize('settings, named', [
    (dict(blocks=()), 'blocks: '), (dict(blocks=(1, )), 'blocks: '), (dict(levels=0), 'levels: '),
    (dict(beta=-1), 'beta: '), (dict(xi=-1), 'xi: '), (dict(move_blocks=0), 'move_blocks: ')])
def test_bad_arguments_are_named_by_puzzlemix(settings, named):
    with pytest.raises(ValueError, match=f'^{named}'):
        PuzzleMix(**settings)
