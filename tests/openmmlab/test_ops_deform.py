"""Tests of mmcv's deformable convolutions and attention by their stand-ins, against the formulas of the papers."""
import pytest
import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmcv.ops.deform_conv import deform_conv2d
from mmcv.ops.modulated_deform_conv import modulated_deform_conv2d
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction
from torch.autograd import gradcheck

from mmresizemix.openmmlab.ops.fallback import stands_in

pytestmark = pytest.mark.skipif(not stands_in(), reason='mmcv has its compiled ops here')

# stride, padding, dilation, groups, deform_groups; each pair is (vertical, horizontal)
GEOMETRIES = [
    pytest.param((1, 1), (1, 0), (1, 1), 1, 1, id='plain'),
    pytest.param((2, 1), (1, 2), (1, 2), 2, 1, id='groups'),
    pytest.param((1, 2), (2, 1), (2, 1), 1, 2, id='deform-groups'),
]
BATCH, CHANNELS, OUT, KERNEL, SIZE = 2, 4, 2, (3, 2), (5, 6)


def at(image, y, x):
    """Read ``image`` (..., H, W) at a point: Σ_q max(0, 1 - |q_y - y|) max(0, 1 - |q_x - x|) image(q). Outside, the
    image is zero."""
    rows, columns = (torch.arange(n, dtype=image.dtype) for n in image.shape[-2:])
    return torch.einsum('...hw,h,w', image, (1 - (rows - y).abs()).relu(), (1 - (columns - x).abs()).relu())


def by_the_formula(x, offset, weight, mask, bias, stride, padding, dilation, groups, deform_groups):
    """y(p) = Σ_k w_k x(p + p_k + Δp_k) m_k + bias, for one place and tap after the other."""
    (kh, kw), (h, w) = weight.shape[-2:], offset.shape[-2:]
    offset = offset.view(len(x), deform_groups, kh, kw, 2, h, w)
    mask = mask.view(len(x), deform_groups, kh, kw, h, w)
    out = x.new_zeros(len(x), len(weight), h, w)
    for n, i, j in torch.cartesian_prod(*map(torch.arange, (len(x), h, w))).tolist():
        taps = x.new_zeros(x.shape[1], kh, kw)
        for d, a, b in torch.cartesian_prod(*map(torch.arange, (deform_groups, kh, kw))).tolist():
            dy, dx = offset[n, d, a, b, :, i, j]
            share = slice(d * x.shape[1] // deform_groups, (d + 1) * x.shape[1] // deform_groups)
            taps[share, a, b] = mask[n, d, a, b, i, j] * at(x[n, share],
                                                            i * stride[0] - padding[0] + a * dilation[0] + dy,
                                                            j * stride[1] - padding[1] + b * dilation[1] + dx)
        for g, (ws, ts) in enumerate(zip(weight.chunk(groups), taps.chunk(groups))):
            out[n, g * len(ws):(g + 1) * len(ws), i, j] = (ws * ts).sum((1, 2, 3))
    return out + bias[:, None, None]


def tensors(stride, padding, dilation, groups, deform_groups, dtype=torch.float64):
    """Draw input, offset, mask, weight and bias. Some points are outside of the image."""
    generator = torch.Generator().manual_seed(0)
    h, w = ((n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(SIZE, padding, dilation, KERNEL, stride))
    taps = deform_groups * KERNEL[0] * KERNEL[1]
    shapes = ((BATCH, CHANNELS, *SIZE), (BATCH, 2 * taps, h, w), (BATCH, taps, h, w),
              (OUT, CHANNELS // groups, *KERNEL), (OUT, ))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


@pytest.mark.parametrize('stride,padding,dilation,groups,deform_groups', GEOMETRIES)
def test_deformable_convolution_is_the_formula(device, stride, padding, dilation, groups, deform_groups):
    geometry = (stride, padding, dilation, groups, deform_groups)
    x, offset, mask, weight, bias = tensors(*geometry)
    expected = by_the_formula(x, offset, weight, torch.ones_like(mask), torch.zeros_like(bias), *geometry)
    module = DeformConv2d(CHANNELS, OUT, KERNEL, *geometry).double().to(device)
    module.weight.data.copy_(weight)
    assert torch.allclose(module(x.to(device), offset.to(device)).cpu(), expected)
    expected = by_the_formula(x, offset, weight, mask, bias, *geometry)
    module = ModulatedDeformConv2d(CHANNELS, OUT, KERNEL, *geometry).double().to(device)
    module.weight.data.copy_(weight)
    module.bias.data.copy_(bias)
    assert torch.allclose(module(x.to(device), offset.to(device), mask.to(device)).cpu(), expected)


@pytest.mark.parametrize('stride,padding,dilation,groups,deform_groups', GEOMETRIES)
def test_the_gradients_of_deformable_convolution(device, stride, padding, dilation, groups, deform_groups):
    geometry = (stride, padding, dilation, groups, deform_groups)
    x, offset, mask, weight, bias = (t.to(device).requires_grad_() for t in tensors(*geometry))
    checked = dict(fast_mode=True, nondet_tol=1e-10)  # on a GPU, sums have no order
    assert gradcheck(deform_conv2d, (x, offset, weight, *geometry), **checked)
    assert gradcheck(modulated_deform_conv2d, (x, offset, mask, weight, bias, *geometry), **checked)
    assert gradcheck(modulated_deform_conv2d, (x, offset, mask, weight, None, *geometry), **checked)


SHAPES = [(3, 4), (2, 2)]  # of the levels
HEADS, DEPTH, POINTS, QUERIES = 2, 3, 2, 3


def attention_tensors():
    """Draw values, locations and weights. Some locations are outside of the image."""
    generator = torch.Generator().manual_seed(0)
    pixels = sum(h * w for h, w in SHAPES)
    values = torch.randn(BATCH, pixels, HEADS, DEPTH, generator=generator, dtype=torch.float64)
    locations = torch.rand(BATCH, QUERIES, HEADS, len(SHAPES), POINTS, 2, generator=generator, dtype=torch.float64)
    weights = torch.rand(BATCH, QUERIES, HEADS, len(SHAPES), POINTS, generator=generator, dtype=torch.float64)
    return values, 1.4 * locations - 0.2, weights


def attend(values, locations, weights):
    shapes = torch.tensor(SHAPES, device=values.device)
    starts = torch.tensor([0, SHAPES[0][0] * SHAPES[0][1]], device=values.device)
    return MultiScaleDeformableAttnFunction.apply(values, shapes, starts, locations, weights, 64)


def test_deformable_attention_is_the_formula(device):
    """Each head of a query is Σ_l Σ_k A_lk x_l(φ_l(p_lk)), where φ_l scales to the pixels of a level, whose centres
    are halves."""
    values, locations, weights = attention_tensors()
    expected = torch.zeros(BATCH, QUERIES, HEADS, DEPTH, dtype=torch.float64)
    for n, q, m in torch.cartesian_prod(*map(torch.arange, (BATCH, QUERIES, HEADS))).tolist():
        levels = values[n, :, m].split([h * w for h, w in SHAPES])
        for level, ((h, w), pixels) in enumerate(zip(SHAPES, levels)):
            for (x, y), a in zip(locations[n, q, m, level], weights[n, q, m, level]):
                expected[n, q, m] += a * at(pixels.T.reshape(DEPTH, h, w), y * h - 0.5, x * w - 0.5)
    found = attend(*(t.to(device) for t in (values, locations, weights)))
    assert torch.allclose(found.cpu(), expected.flatten(2))


def test_the_gradients_of_deformable_attention(device):
    inputs = [t.to(device).requires_grad_() for t in attention_tensors()]
    assert gradcheck(attend, inputs, nondet_tol=1e-10)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_single_precision_rounded(device, dtype):
    if device == 'cuda' and dtype == torch.float16:
        pytest.skip('the kernels support this')
    geometry = ((1, 1), (1, 0), (1, 1), 1, 1)
    x, offset, mask, weight, bias = (t.to(device) for t in tensors(*geometry, dtype=dtype))
    for op, inputs in ((deform_conv2d, (x, offset, weight)),
                       (modulated_deform_conv2d, (x, offset, mask, weight, bias)),
                       (attend, [t.to(device, dtype) for t in attention_tensors()])):
        found = []
        for cast in (dtype, torch.float32):
            leaves = [t.to(cast).requires_grad_() for t in inputs]
            out = op(*leaves) if op is attend else op(*leaves, *geometry)
            grads = torch.autograd.grad(out.float().sum(), leaves)
            found.append([out, *grads])
        for half, single in zip(*found):
            torch.testing.assert_close(half, single.to(dtype))
