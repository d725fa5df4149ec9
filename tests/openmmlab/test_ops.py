"""Tests of mmcv.ops on torchvision's kernels, against plain definitions, and against mmcv's own if they are built."""
import importlib.machinery
import importlib.util
import sys

import pytest
import torch
from mmcv.ops import RoIAlign, batched_nms, nms

from mmresizemix.openmmlab.ops import fallback, kernels

COMPILED = not isinstance(sys.modules['mmcv._ext'], fallback._TorchvisionExt)


def boxes_and_scores(n=60, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corner, size = torch.rand(2, n, 2, generator=generator) * 50
    return torch.cat((corner, corner + size + 1), 1), torch.rand(n, generator=generator)


def greedy_nms(boxes, scores, threshold, offset):
    """Suppress by the definition: take the best box, and drop what overlaps it by more than the threshold."""
    keep, order = [], scores.argsort(descending=True).tolist()
    while order:
        best = order.pop(0)
        keep.append(best)
        x1, y1, x2, y2 = boxes.T
        w, h = (torch.minimum(hi, hi[best]) - torch.maximum(lo, lo[best]) + offset
                for lo, hi in ((x1, x2), (y1, y2)))
        inter = w.clamp(min=0) * h.clamp(min=0)
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        iou = inter / (area + area[best] - inter)
        order = [i for i in order if iou[i] <= threshold]
    return keep


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.6])
def test_nms_is_greedy_suppression(offset, threshold):
    boxes, scores = boxes_and_scores()
    kept, indices = nms(boxes, scores, threshold, offset=offset)
    assert indices.tolist() == greedy_nms(boxes, scores, threshold, offset)
    assert torch.equal(kept, torch.cat((boxes, scores[:, None]), 1)[indices])


def test_batched_nms_keeps_classes_apart():
    boxes, scores = boxes_and_scores(4)
    boxes[:] = boxes[0]
    _, keep = batched_nms(boxes, scores, torch.tensor([0, 0, 1, 1]),
                          dict(type='nms', iou_threshold=.5))
    assert len(keep) == 2


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_roi_align_in_half_precision_is_that_in_float32_rounded(dtype):
    boxes, _ = boxes_and_scores(7)
    rois = torch.cat((torch.zeros(7, 1), boxes), 1)
    features = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)).to(dtype)
    found = []
    for one in (features, features.float()):
        one = one.clone().requires_grad_()
        out = RoIAlign((4, 4), 0.5, 0)(one, rois.to(dtype).to(one.dtype))
        out.float().square().sum().backward()
        assert out.dtype == one.dtype
        found.append((out.float(), one.grad.float()))
    for half, single in zip(*found):
        assert torch.allclose(half, single, rtol=0.02, atol=0.02)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_and_its_gradient(aligned, sampling_ratio):
    """On a linear ramp, the average of bilinear samples is the ramp at the bin's centre."""
    ramp = torch.arange(32.).expand(1, 1, 32, 32).clone().requires_grad_()
    roi = torch.tensor([[0, 4., 4., 20., 20.]])
    out = RoIAlign((4, 4), 1.0, sampling_ratio, aligned=aligned)(ramp, roi)
    centres = 4 + 4 * (torch.arange(4.) + 0.5) - (0.5 if aligned else 0)
    assert torch.allclose(out[0, 0], centres.expand(4, 4), atol=1e-5)
    out.sum().backward()
    assert ramp.grad.sum().item() == pytest.approx(16, rel=1e-5)  # each bin is an average


def test_another_op_says_that_it_needs_compiling():
    if COMPILED:
        pytest.skip('mmcv has its compiled ops here')
    from mmcv.ops import box_iou_rotated
    with pytest.raises(NotImplementedError, match='box_iou_rotated needs the compiled ops of mmcv'):
        box_iou_rotated(torch.rand(1, 5), torch.rand(1, 5))
    with pytest.raises(NotImplementedError, match="pool_mode='max'"):
        RoIAlign((2, 2), pool_mode='max')(torch.rand(1, 1, 8, 8), torch.rand(1, 5))


def test_a_compiled_mmcv_wins():
    """The finder is asked after those that find a real mmcv._ext."""
    assert sys.meta_path.count(fallback._FallbackFinder) == 1
    before = sys.meta_path[:sys.meta_path.index(fallback._FallbackFinder)]
    path = importlib.util.find_spec('mmcv').submodule_search_locations
    real = any(f.find_spec('mmcv._ext', path) for f in before if hasattr(f, 'find_spec'))
    assert importlib.machinery.PathFinder in before and real == COMPILED


@pytest.mark.skipif(not COMPILED, reason="mmcv's compiled ops are not installed")
def test_equal_to_mmcvs_own_kernels():
    import mmcv._ext as ext
    boxes, scores = boxes_and_scores()
    for offset in (0, 1):
        assert torch.equal(kernels.nms(boxes, scores, 0.5, offset),
                           ext.nms(boxes, scores, iou_threshold=0.5, offset=offset))
    x, rois = torch.rand(2, 3, 16, 16), torch.tensor([[0, 1., 2., 9., 11.], [1, 0., 0., 15., 5.]])
    outs = []
    for ops in (ext, kernels):
        out, unused = torch.zeros(2, 3, 7, 7), torch.zeros(0)
        ops.roi_align_forward(x, rois, out, unused, unused, aligned_height=7, aligned_width=7,
                                  spatial_scale=1.0, sampling_ratio=0, pool_mode=1, aligned=True)
        grad = torch.zeros_like(x)
        ops.roi_align_backward(out, rois, unused, unused, grad, aligned_height=7,
                                   aligned_width=7, spatial_scale=1.0, sampling_ratio=0,
                                   pool_mode=1, aligned=True)
        outs.append((out, grad))
    assert all(torch.equal(a, b) for a, b in zip(*outs))
