"""Tests of what holds for every batch augment: partners, labels, dtypes, shapes, generator, and mixing in place."""
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmresizemix import CutMix, FMix, Mix, Mixup, PatchMix, RecursiveMix, ResizeMix, SaliencyMix
from mmresizemix.batch_augments.paste import move_blocks, paste_batched
from mmresizemix.batch_augments.recursivemix import History

AUGMENTS = [
    pytest.param(ResizeMix, {}, id='resizemix'),
    pytest.param(ResizeMix, dict(per='batch', interpolation='nearest'), id='resizemix-released'),
    pytest.param(ResizeMix, dict(antialias=True, placement='uniform'), id='resizemix-antialias'),
    pytest.param(ResizeMix, dict(prob=0.5), id='resizemix-half'),
    pytest.param(CutMix, {}, id='cutmix'),
    pytest.param(CutMix, dict(per='batch'), id='cutmix-published'),
    pytest.param(Mixup, {}, id='mixup'),
    pytest.param(Mixup, dict(per='batch', alpha=0.2, prob=0.5), id='mixup-published'),
    pytest.param(FMix, {}, id='fmix'),
    pytest.param(FMix, dict(per='batch', prob=0.5), id='fmix-published'),
    pytest.param(SaliencyMix, {}, id='saliencymix'),
    pytest.param(SaliencyMix, dict(per='batch', prob=0.5), id='saliencymix-published'),
    pytest.param(PatchMix, dict(source_region='random', paste_region='corresponding'),
                 id='row2'),
    pytest.param(PatchMix, dict(source_region='salient', paste_region='non_salient', prob=0.5,
                                saliency=dict(type='FineGrained')), id='salient-to-non-salient'),
    pytest.param(PatchMix, dict(source_region='whole', paste_region='random'), id='row9'),
]


class WithHistory(RecursiveMix):
    """RecursiveMix that has mixed a batch before. Without a history it mixes nothing."""

    def draw_for(self, inputs, scores):
        if self.history is None or len(self.history.x) != len(inputs):
            self.history = History(inputs.flip(0), scores.flip(0))
        return super().draw_for(inputs, scores)


AUGMENTS += [
    pytest.param(WithHistory, {}, id='recursivemix'),
    pytest.param(WithHistory, dict(per='batch', placement='clipped', interpolation='nearest'),
                 id='recursivemix-released'),
]


def drawn(augment, n, size):
    pictures = torch.rand(n, 3, *size, generator=torch.Generator().manual_seed(0))
    return augment.draw_for(pictures, torch.eye(n))


every_augment = pytest.mark.parametrize('kind, settings', AUGMENTS)


@every_augment
def test_nobody_is_their_own_partner_unless_alone(kind, settings):
    augment = kind(**settings, seed=0)
    for n in (2, 3, 7):
        for _ in range(50):
            mix = drawn(augment, n, (16, 16))
            assert sorted(mix.partner.tolist()) == list(range(n))
            assert mix.from_history or (mix.partner != torch.arange(n)).all()
    assert drawn(augment, 1, (16, 16)).partner.tolist() == [0]


def test_all_pairs_are_equally_likely():
    augment = ResizeMix(seed=0)
    counts = torch.zeros(4, 4)
    for _ in range(6000):
        counts[torch.arange(4), augment.draw(4, (8, 8)).partner] += 1
    off_diagonal = counts[~torch.eye(4, dtype=torch.bool)] / 6000
    assert (off_diagonal - 1 / 3).abs().max() < 0.025 and counts.diagonal().sum() == 0


@every_augment
def test_prob_is_the_share_that_is_mixed(kind, settings):
    """The share is one of samples or of batches. The tolerance 0.1 is four standard errors of 300 batches."""

    def share(prob):
        augment = kind(**{**settings, 'prob': prob}, seed=0)
        mixed = [(drawn(augment, 4, (16, 16)).lam > 0).double().mean() for _ in range(300)]
        return torch.stack(mixed).mean().item()

    assert share(0.) == 0
    assert share(0.25) == pytest.approx(share(1.) / 4, abs=0.1)


@every_augment
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_of_pictures_and_labels(kind, settings, dtype):
    x = torch.rand(5, 3, 24, 32).to(dtype)
    out, scores = kind(**settings, seed=0)(x, torch.eye(5))
    assert out.dtype == dtype and scores.dtype == torch.float32
    _, scores = kind(**settings, seed=0)(x, torch.eye(5).double())
    assert scores.dtype == torch.float64
    assert torch.isfinite(out).all()


@every_augment
def test_integer_onehot_and_soft_labels_agree(kind, settings):
    x, labels = torch.rand(6, 3, 20, 20), torch.tensor([0, 3, 1, 2, 3, 0])
    one_hot = torch.nn.functional.one_hot(labels, 4)
    from_integers = kind(**settings, seed=5, num_classes=4)(x, labels)[1]
    from_one_hot = kind(**settings, seed=5)(x, one_hot)[1]
    assert torch.equal(from_integers, from_one_hot)
    assert kind(**settings, seed=5, num_classes=7)(x, labels)[1].shape == (6, 7)
    assert torch.allclose(from_one_hot.sum(1), torch.ones(6))
    soft = torch.rand(6, 4)
    soft *= 2 / soft.sum(1, keepdim=True)  # the rows sum to 2, for example for several labels
    assert torch.allclose(kind(**settings, seed=5)(x, soft)[1].sum(1), torch.full((6, ), 2.))


@every_augment
@pytest.mark.parametrize('shape', [(1, 3, 16, 16), (3, 1, 5, 9), (7, 3, 1, 1), (2, 4, 33, 64)])
def test_any_shape(kind, settings, shape):
    x = torch.rand(shape)
    out, scores = kind(**settings, seed=0)(x, torch.eye(shape[0]))
    assert out.shape == x.shape and scores.shape == (shape[0], shape[0])


def test_alone_in_a_batch_a_picture_keeps_its_label():
    _, scores = ResizeMix(seed=0)(torch.rand(1, 3, 16, 16), torch.tensor([[0., 1.]]))
    assert torch.allclose(scores, torch.tensor([[0., 1.]]))


@every_augment
def test_the_callers_tensors_are_left_alone_unless_inplace(kind, settings):
    x, y = torch.rand(6, 3, 20, 24), torch.eye(6)
    kept, kept_y = x.clone(), y.clone()
    out, _ = kind(**settings, seed=0)(x, y)
    assert torch.equal(x, kept) and torch.equal(y, kept_y)
    same, _ = kind(**settings, seed=0, inplace=True)(x, y)
    assert same.data_ptr() == x.data_ptr()
    assert torch.equal(same, out), 'in place, a patch was read after it had been pasted over'


@every_augment
def test_channels_last_stays(kind, settings):
    x = torch.rand(4, 3, 20, 24).contiguous(memory_format=torch.channels_last)
    out, _ = kind(**settings, seed=0)(x, torch.eye(4))
    assert out.is_contiguous(memory_format=torch.channels_last)


@every_augment
def test_the_seed_acts_and_global_state_is_untouched(kind, settings):
    def draws(seed, n=6):
        augment = kind(**settings, seed=seed)
        return torch.stack([drawn(augment, 8, (64, 64)).lam for _ in range(n)])

    assert torch.equal(draws(1), draws(1))
    assert not torch.equal(draws(1), draws(2))
    x, y, augment = torch.rand(8, 3, 16, 16), torch.eye(8), kind(**settings, seed=0)
    before = torch.get_rng_state()
    augment(x, y)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_torchs_seed_decides():
    def first(seed):
        torch.manual_seed(seed)
        return ResizeMix().draw(8, (64, 64)).target

    assert torch.equal(first(0), first(0)) and not torch.equal(first(0), first(1))


def test_an_epoch_draws_the_same_whatever_was_drawn_before():
    straight, resumed = ResizeMix(), ResizeMix()
    straight.set_epoch(0, seed=4)
    for _ in range(5):
        straight.draw(8, (64, 64))
    straight.set_epoch(1, seed=4)
    resumed.set_epoch(1, seed=4)
    assert torch.equal(straight.draw(8, (64, 64)).target, resumed.draw(8, (64, 64)).target)
    resumed.set_epoch(2, seed=4)
    assert not torch.equal(straight.draw(8, (64, 64)).target, resumed.draw(8, (64, 64)).target)


@every_augment
def test_the_batched_way_gives_the_same_pixels(kind, settings):
    """The code for other devices is compared with the code for the CPU. Both run on the CPU."""
    augment = kind(**settings, seed=0)
    if augment.antialias:
        pytest.skip('antialiasing is done patch by patch everywhere')
    x = torch.rand(9, 3, 41, 56)
    mix = augment.draw_for(x, torch.eye(9))
    if mix.weight is not None:
        pytest.skip('pictures are blended in one way everywhere')
    how = 'copy' if mix.source is mix.target else augment.interpolation
    boxes = dict(source=mix.source, target=mix.target, interpolation=how)
    sources = mix.sources(x, augment._past(x, torch.eye(9))[0])
    out = paste_batched(x, mix.partner, sources, **boxes)
    expected, _ = augment.apply(mix, x, torch.eye(9))
    assert torch.allclose(out, expected, atol=1e-5, rtol=0)
    if how != 'bilinear':
        assert torch.equal(out, expected)
    assert paste_batched(x, mix.partner, sources, **boxes, out=x) is x
    assert torch.equal(x, out)


@pytest.mark.parametrize('how', ['copy', 'nearest', 'bilinear'])
def test_the_batched_way_has_no_graph_break(how):
    mix = (CutMix if how == 'copy' else ResizeMix)(seed=0).draw(4, (16, 16))
    x = torch.rand(4, 3, 16, 16)
    compiled = torch.compile(paste_batched, fullgraph=True, backend='eager')
    boxes = dict(source=mix.source, target=mix.target, interpolation=how)
    assert torch.equal(compiled(x, mix.partner, **boxes), paste_batched(x, mix.partner, **boxes))


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('how', ['copy', 'nearest', 'bilinear'])
def test_on_a_gpu_it_is_compiled_to_the_same_pixels(how):
    mix = (CutMix if how == 'copy' else ResizeMix)(seed=0).draw(16, (64, 48))
    x = torch.rand(16, 3, 64, 48)
    arguments = dict(inputs=x, partner=mix.partner, source=mix.source, target=mix.target)
    on_gpu = {name: tensor.cuda() for name, tensor in arguments.items()}
    compiled = torch.compile(paste_batched, fullgraph=True)(**on_gpu, interpolation=how).cpu()
    assert torch.allclose(compiled, paste_batched(**on_gpu, interpolation=how).cpu(), atol=1e-5)
    assert torch.allclose(compiled, paste_batched(**arguments, interpolation=how), atol=1e-4)


class CountOperations(TorchDispatchMode):
    """A mode that counts operations. On a GPU, each is about one launch."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize('how', ['copy', 'nearest', 'bilinear'])
def test_off_the_cpu_nothing_is_read_back_and_no_batch_costs_more_launches(how):
    """Meta tensors have no values, so reading one raises an error."""
    counts = set()
    for batch in (2, 64):
        settings = {} if how == 'copy' else dict(interpolation=how)
        augment = (CutMix if how == 'copy' else ResizeMix)(seed=0, inplace=True, **settings)
        x, y = torch.empty(batch, 3, 16, 16, device='meta'), torch.empty(batch, 10, device='meta')
        mix = augment.draw(batch, (16, 16))
        with CountOperations() as operations:
            mixed, scores = augment.apply(mix, x, y)
        assert mixed is x and scores.shape == y.shape and scores.device.type == 'meta'
        counts.add(operations.count)
    assert len(counts) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('kind', [CutMix, ResizeMix])
def test_the_cpu_does_not_wait_for_a_gpu(kind):
    x, y = torch.rand(64, 3, 32, 32, device='cuda'), torch.rand(64, 10, device='cuda')
    augment = kind(seed=0, inplace=True)
    augment(x, y)
    torch.cuda.set_sync_debug_mode('error')
    try:
        augment(x, y)
    finally:
        torch.cuda.set_sync_debug_mode('default')


def test_a_mix_written_by_hand():
    x = torch.stack([torch.full((1, 4, 4), v) for v in (1., 2.)])
    mix = Mix(torch.tensor([1, 0]), source=torch.tensor([[0, 0, 4, 4], [0, 0, 4, 4]]),
              target=torch.tensor([[1, 0, 3, 2], [0, 0, 0, 0]]), size=(4, 4))
    out, scores = ResizeMix().apply(mix, x, torch.eye(2))
    assert out[0, 0].tolist() == [[1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert torch.equal(out[1], x[1])
    assert scores.tolist() == [[0.75, 0.25], [0, 1]]
    assert mix.lam.tolist() == [0.25, 0]


def test_a_weight_written_by_hand():
    x = torch.stack([torch.full((1, 2, 2), v) for v in (0., 4.)])
    whole = torch.tensor([[0, 0, 2, 2], [0, 0, 2, 2]])
    weight = torch.tensor([[[1, 0], [.5, .5]], [[1, 1], [1, 1]]])
    mix = Mix(torch.tensor([1, 0]), whole, whole * torch.tensor([[1], [0]]), (2, 2), weight)
    out, scores = ResizeMix().apply(mix, x, torch.eye(2))
    assert out[0, 0].tolist() == [[4, 0], [2, 2]]
    assert torch.equal(out[1], x[1]), 'an empty target box mixes nothing'
    assert scores.tolist() == [[.5, .5], [0, 1]]


def test_moved_blocks_written_by_hand():
    x = torch.arange(16.).view(1, 1, 4, 4)
    moved = move_blocks(x, torch.tensor([[3, 1, 2, 0]]))
    assert moved[0, 0].tolist() == [[10, 11, 2, 3], [14, 15, 6, 7], [8, 9, 0, 1], [12, 13, 4, 5]]
    whole = torch.tensor([[0, 0, 4, 4]])
    same = torch.arange(4)[None]
    mix = Mix(torch.tensor([0]), whole, whole, (4, 4), torch.ones(1, 1, 1),
              torch.stack([torch.tensor([[3, 1, 2, 0]]), same]))
    assert torch.equal(ResizeMix().apply(mix, x, torch.ones(1, 1))[0], moved), 'the source, moved'


@pytest.mark.parametrize('settings, named', [
    (dict(weight=torch.ones(1, 3, 4)), r'weight: expected shape \(1, 4, 4\) or \(1, 1, 1\)'),
    (dict(weight=torch.full((1, 1, 1), 1.5)), 'weight: expected shares in 0..1'),
    (dict(weight=torch.full((1, 1, 1), torch.nan)), 'weight: expected shares in 0..1'),
    (dict(weight=torch.ones(1, 1, 1), target=torch.tensor([[0, 0, 2, 4]])), 'weight: .*whole'),
    (dict(moves=torch.zeros(2, 1, 4).long()), 'moves: expected a weight'),
    (dict(weight=torch.ones(1, 1, 1), moves=torch.zeros(2, 1, 9).long()), 'moves: expected .2, 1'),
])
def test_a_mix_refuses_weights_and_moves(settings, named):
    whole = torch.tensor([[0, 0, 4, 4]])
    with pytest.raises(ValueError, match=named):
        Mix(torch.tensor([0]), whole, **{**dict(target=whole, size=(4, 4)), **settings})


@pytest.mark.parametrize('box', [[0, 0, 5, 4], [-1, 0, 2, 2], [3, 0, 2, 2]])
def test_a_mix_refuses_boxes_outside(box):
    with pytest.raises(ValueError, match=r'target: box .* is not inside a picture of 4 x 4'):
        Mix(torch.tensor([0]), torch.tensor([[0, 0, 4, 4]]), torch.tensor([box]), (4, 4))


@pytest.mark.parametrize('inputs, scores, named', [
    (torch.rand(3, 16, 16), torch.eye(3), 'inputs: .*shape'),
    (torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.eye(2), 'inputs: .*floating'),
    (torch.rand(2, 3, 16, 16), torch.eye(3), 'scores: '),
    (torch.rand(2, 3, 16, 16), torch.rand(2), 'scores: '),
    (torch.rand(2, 3, 16, 16), torch.tensor([0, 1]), 'num_classes: expected the number of classes, since'),
    (torch.rand(2, 3, 16, 16), torch.tensor([[3], [7]]), r'scores: expected \(2, num_classes\) .*, got \(2, 1\)'),
])
def test_bad_batches_are_named(inputs, scores, named):
    with pytest.raises(ValueError, match=named):
        ResizeMix()(inputs, scores)


def test_one_column_may_hold_weights_of_one_class():
    mixed = Mixup(seed=0)(torch.rand(3, 3, 8, 8), torch.tensor([[1], [0], [1]]))[1]
    assert mixed.shape == (3, 1) and 0 <= mixed.min() < mixed.max() <= 1


@pytest.mark.parametrize('scores, named', [
    (torch.tensor([0, 4]), r'scores: expected labels in 0\.\.3'),
    (torch.tensor([-1, 0]), r'scores: expected labels in 0\.\.3'),
    (torch.eye(2), r'scores: expected \(2, 4\) one-hot .*got \(2, 2\)'),
    (torch.tensor([[0], [1]]), r'got \(2, 1\)'),
])
def test_labels_that_are_none_of_the_classes_are_named(scores, named):
    with pytest.raises(ValueError, match=named):
        ResizeMix(num_classes=4)(torch.rand(2, 3, 16, 16), scores)


def by_slices(inputs, mix, **settings):
    return ResizeMix(**settings).apply(mix, inputs, torch.eye(len(inputs)))[0]


def by_gather(inputs, mix):
    """Paste as on a GPU."""
    return paste_batched(inputs, mix.partner, source=mix.source, target=mix.target, interpolation='bilinear')


@pytest.mark.parametrize('paste', [by_slices, by_gather])
def test_gradients_flow_to_the_pixels_that_are_shown(paste):
    x = torch.rand(4, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    mix = ResizeMix(seed=0).draw(4, (16, 16))
    assert torch.autograd.gradcheck(lambda x: paste(x, mix), x)
    assert torch.equal(paste(x, mix), paste(x.detach(), mix))


def test_in_place_on_what_the_graph_has_made():
    x = torch.rand(4, 3, 16, 16, requires_grad=True)
    mix = ResizeMix(seed=0).draw(4, (16, 16))
    grads = []
    for inplace in (False, True):
        mixed = by_slices(x * 2, mix, inplace=inplace)
        grads.append(torch.autograd.grad((mixed * torch.arange(16.)).sum(), x)[0])
    assert torch.allclose(*grads)


@every_augment
@pytest.mark.parametrize('spread, named', [
    (lambda x: x[:1].expand(4, 3, 16, 16), 'shows each of its numbers at one place.*inputs.clone'),
    (lambda x: x.as_strided((4, 3, 16, 16), (8, 256, 16, 1)), 'shows each of its numbers at one place'),
    (lambda x: x.requires_grad_(), 'no leaf that requires gradients'),
])
def test_what_cannot_be_overwritten_is_named(kind, settings, spread, named):
    with pytest.raises(ValueError, match=f'inputs: expected .*{named}'):
        kind(**settings, seed=0, inplace=True)(spread(torch.rand(4, 3, 16, 16)), torch.eye(4))


@pytest.mark.parametrize('view', [
    lambda x: x.contiguous(memory_format=torch.channels_last), lambda x: x[:, :, ::2, 1:], lambda x: x[::2],
    lambda x: x.transpose(2, 3), lambda x: x[:, :1], lambda x: x[:1]])
def test_views_without_overlap_are_overwritten(view):
    x = torch.rand(8, 3, 16, 16)
    labels = torch.eye(len(view(x)))
    want = ResizeMix(seed=0)(view(x.clone()), labels)[0]
    assert torch.equal(ResizeMix(seed=0, inplace=True)(view(x.clone()), labels)[0], want)


@every_augment
@pytest.mark.parametrize('value', [torch.nan, torch.inf])
def test_a_picture_that_is_not_shown_does_not_matter(kind, settings, value):
    """What is not finite in a partner appears where the partner does, and nowhere else."""
    augment = kind(**settings, seed=3)
    x = torch.rand(4, 3, 16, 16)
    mix = augment.draw_for(x, torch.eye(4))
    clean = augment.apply(mix, x, torch.eye(4))[0]
    x[0] = value
    dirty = augment.apply(mix, x, torch.eye(4))[0]
    takes = (mix.partner == 0) & (mix.lam > 0) if not mix.from_history else torch.zeros(4, dtype=torch.bool)
    takes[0] = True
    assert torch.equal(dirty[~takes], clean[~takes])


def test_a_partner_with_weight_0_does_not_matter_pixel_by_pixel():
    whole = torch.tensor([[0, 0, 4, 4]]).expand(2, 4)
    weight = torch.zeros(2, 4, 4)
    weight[:, :2] = 1
    weight[:, 2] = .5
    mix = Mix(torch.tensor([1, 0]), whole, whole, (4, 4), weight)
    x = torch.stack([torch.ones(3, 4, 4), torch.full((3, 4, 4), torch.nan)])
    for inplace in (False, True):
        mixed = Mixup(inplace=inplace).apply(mix, x.clone(), torch.eye(2))[0]
        assert torch.isnan(mixed[0, :, :3]).all() and torch.equal(mixed[0, :, 3], torch.ones(3, 4))
        assert torch.equal(mixed[1, :, :2], torch.ones(3, 2, 4)) and torch.isnan(mixed[1, :, 2:]).all()


def test_two_augments_of_one_class_draw_differently():
    from types import SimpleNamespace

    from mmresizemix import EpochSeedHook, MixThenAugment
    augments = [ResizeMix(), ResizeMix(), CutMix(), MixThenAugment(ResizeMix(), [dict(type='ColorJitter')])]
    model = SimpleNamespace(data_preprocessor=SimpleNamespace(batch_augments=SimpleNamespace(augments=augments)))
    runner = SimpleNamespace(model=model, seed=0, epoch=1)
    hook = EpochSeedHook()
    hook.before_train_epoch(runner)
    draws = [[getattr(a, 'mix', a).generator.get_state() for a in augments]]
    assert len({bytes(state.numpy()) for state in draws[0]}) == 4
    # What another hook puts there in the middle of a run is seeded, too, and the others go on.
    augments[0].draw(2, (16, 16))
    augments.append(ResizeMix())
    hook.before_train_iter(runner, 0)
    states = [bytes(getattr(a, 'mix', a).generator.get_state().numpy()) for a in augments]
    assert states[0] != bytes(draws[0][0].numpy()) and states[1:4] == [bytes(s.numpy()) for s in draws[0][1:]]
    assert len(set(states)) == 5
