"""Tests of augmenting after mixing (paper, Table 7)."""
import pytest
import torch
from torch import nn

from mmresizemix import MixThenAugment, Mixup, ResizeMix

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def normalised(n=6, side=24):
    pixels = torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    return (pixels - mean) / std


def test_what_no_operation_touches_is_the_mix():
    x, y = normalised(), torch.eye(6)
    never = [dict(type='RandomSolarize', threshold=0, p=0.)]
    both = MixThenAugment(ResizeMix(seed=0, interpolation='nearest'), never, MEAN, STD)
    out, scores = both(x, y)
    expected, expected_scores = ResizeMix(seed=0, interpolation='nearest')(x, y)
    assert torch.allclose(out, expected, atol=1e-5) and torch.equal(scores, expected_scores)


def test_every_mixed_picture_is_augmented_as_a_whole():
    """The operation is certain and known: solarizing at 0 inverts all pixels of both parts."""
    x, y = normalised(), torch.eye(6)
    invert = [dict(type='RandomSolarize', threshold=0, p=1.0)]
    out, scores = MixThenAugment(ResizeMix(seed=0, interpolation='nearest'), invert, MEAN, STD)(
        x, y)
    mixed, expected_scores = ResizeMix(seed=0, interpolation='nearest')(x, y)
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    assert torch.allclose(out * std + mean, 255 - (mixed * std + mean), atol=1e-3)
    assert torch.equal(scores, expected_scores)


def test_randaugment_acts_on_each_alone_by_the_mixs_generator():
    x, y = normalised(8), torch.eye(8)
    x[:] = x[:1]

    def run(seed):
        return MixThenAugment(Mixup(prob=0., seed=seed), [dict(type='RandAugment')], MEAN, STD)(
            x, y)[0]

    before = torch.get_rng_state()
    assert torch.equal(run(0), run(0)) and not torch.equal(run(0), run(1))
    assert torch.equal(torch.get_rng_state(), before), 'global random state was touched'
    assert len({tuple(picture.flatten().tolist()) for picture in run(0)}) > 4


def test_the_model_tells_the_normalisation_and_an_epoch_restarts_it():
    model = nn.Module()
    model.data_preprocessor = nn.Module()
    model.data_preprocessor._enable_normalize = True
    for name, values in (('mean', MEAN), ('std', STD)):
        model.data_preprocessor.register_buffer(name, torch.tensor(values).view(-1, 1, 1))
    augment = MixThenAugment(dict(type='mmresizemix.ResizeMix'), [dict(type='RandAugment')])
    with pytest.raises(ValueError, match='mean, std: expected both or none'):
        MixThenAugment(dict(type='mmresizemix.ResizeMix'), [dict(type='RandomInvert')], std=STD)
    with pytest.raises(ValueError, match='expected mean and std.*AttachModelHook'):
        augment(normalised(), torch.eye(6))
    augment.attach(model)
    assert augment.mean == pytest.approx(MEAN) and augment.std == pytest.approx(STD)
    augment.set_epoch(3, seed=1)
    first = augment(normalised(), torch.eye(6))[0]
    augment.set_epoch(3, seed=1)
    assert torch.equal(augment(normalised(), torch.eye(6))[0], first)


def test_unknown_operations_and_mixes_are_named():
    with pytest.raises(ValueError, match="transforms: expected .*torchvision.*got 'Magic'"):
        MixThenAugment(ResizeMix(), [dict(type='Magic')])
    with pytest.raises(ValueError, match='transforms: expected at least one'):
        MixThenAugment(ResizeMix(), [])
    with pytest.raises(ValueError, match='^mix: expected a batch augment of mmresizemix'):
        MixThenAugment(None, [])
