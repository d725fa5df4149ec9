"""Tests of the networks for CIFAR: their numbers of parameters, their shapes, and how Shake-Shake draws."""
import copy

import pytest
import torch

from mmresizemix.backbones import ShakeShake, WideResNet
from mmresizemix.backbones.shake_shake import _Shortcut, shake

THIN = [pytest.param(lambda: WideResNet(10, 1), id='wrn'),
        pytest.param(lambda: ShakeShake(8, 8), id='shake-shake')]


@pytest.mark.parametrize('net, channels, million, exactly', [
    (WideResNet(28, 10), 640, 36.5, 36_479_194), (WideResNet(40, 4), 256, 8.9, 8_949_210),
    (WideResNet(16, 8), 512, 11.0, 10_961_370), (ShakeShake(26, 96), 384, 26.2, 26_192_922),
    (ShakeShake(26, 32), 128, 2.9, 2_923_162)])
def test_as_many_parameters_as_published(net, channels, million, exactly):
    """A linear layer for 10 classes is counted too. The numbers are from Tables 1 and 2 of Wide Residual Networks, and
    from Table 1 of Shake-Shake."""
    found = sum(p.numel() for p in net.parameters()) + 10 * channels + 10
    assert round(found / 1e6, 1) == million and found == exactly


@pytest.mark.parametrize('make', THIN)
@pytest.mark.parametrize('side', [32, 16])
def test_one_map_at_a_quarter_and_all_parameters_learn(make, side):
    net = make()
    out, = net(torch.randn(4, 3, side, side))
    assert out.shape[2:] == (side // 4, side // 4) and out.min() >= 0
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize('make', THIN)
def test_the_map_is_the_output_of_relu(make):
    """A hook on it, such as Grad-CAM's, then sees what the head sees."""
    net, seen = make().eval(), []
    net.relu.register_forward_hook(lambda module, args, output: seen.append(output))
    out, = net(torch.randn(2, 3, 32, 32))
    assert len(seen) == 1 and seen[0] is out


@pytest.mark.parametrize('make', THIN)
def test_channels_last_bfloat16_and_compiled(make):
    net = make().to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.autocast('cpu', torch.bfloat16):
        assert net(x)[0].isfinite().all()
    net.eval()
    compiled = torch.compile(net, backend='eager', fullgraph=True)
    assert torch.allclose(compiled(x)[0], net(x)[0])


@pytest.mark.parametrize('make', THIN)
def test_weights_start_as_the_authors(make):
    torch.manual_seed(0)
    net = make()
    net.init_weights()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 2000:
            fan_out = module.out_channels * module.kernel_size[0]**2
            assert module.weight.std().item() == pytest.approx((2 / fan_out)**.5, rel=0.1)


def test_the_shortcut_of_shake_shake_sees_the_pixels_between():
    """One half sees every second pixel, the other half sees their neighbours above and left."""
    shortcut = _Shortcut(1, 2, stride=2)
    shortcut.norm = torch.nn.Identity()
    torch.nn.init.ones_(shortcut.conv1.weight)
    torch.nn.init.ones_(shortcut.conv2.weight)
    x = torch.arange(1., 37.).reshape(1, 1, 6, 6)
    even, odd = shortcut(x)[0]
    assert torch.equal(even, x[0, 0, ::2, ::2])
    assert torch.equal(odd[1:, 1:], x[0, 0, 1:5:2, 1:5:2])
    assert odd[0].eq(0).all() and odd[:, 0].eq(0).all()


def test_shake_forwards_by_alpha_backwards_by_beta():
    torch.manual_seed(0)
    n = 2000
    a, b = (torch.randn(n, 2, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    out = shake(a, b, training=True)
    out.sum().backward()
    alpha = ((out - b) / (a - b)).detach().flatten(1)
    beta = a.grad.flatten(1)
    for share in (alpha, beta):
        assert (share.std(1) < 1e-6).all(), 'one number a picture'
        assert share[:, 0].min() > -1e-9 and share[:, 0].max() < 1 + 1e-9
        assert share[:, 0].mean().item() == pytest.approx(0.5, abs=0.03)
        assert share[:, 0].var().item() == pytest.approx(1 / 12, abs=0.01)
    assert abs(torch.corrcoef(torch.stack([alpha[:, 0], beta[:, 0]]))[0, 1]) < 0.1
    assert torch.allclose(a.grad + b.grad, torch.ones_like(a))


def test_evaluation_draws_nothing():
    a, b = torch.rand(2, 3, 1, 4, 4)
    before = torch.get_rng_state()
    assert torch.equal(shake(a, b, training=False), (a + b) / 2)
    assert torch.equal(torch.get_rng_state(), before)
    net = ShakeShake(8, 8).eval()
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(net(x)[0], net(x)[0])
    assert not torch.equal(copy.deepcopy(net).train()(x)[0], net(x)[0])


@pytest.mark.parametrize('make, named', [
    (lambda: WideResNet(27), 'depth: expected 6 n . 4.*got 27'),
    (lambda: WideResNet(28, 0), 'widen_factor: '), (lambda: ShakeShake(27), 'depth: .*got 27'),
    (lambda: ShakeShake(26, 7), 'base_channels: expected an even number, got 7')])
def test_shapes_that_are_none(make, named):
    with pytest.raises(ValueError, match=named):
        make()
