"""Tests of mmcv's suppression and RoIAlign by their stand-ins, against plain definitions, and against mmcv's own
kernels if they are built."""
import importlib.machinery
import importlib.util
import sys

import pytest
import torch
from mmcv.ops import RoIAlign, batched_nms, nms, nms_match, soft_nms

from mmresizemix.openmmlab.ops import fallback, kernels

COMPILED = not fallback.stands_in()


def boxes_and_scores(n=60, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corner, size = torch.rand(2, n, 2, generator=generator) * 50
    return torch.cat((corner, corner + size + 1), 1), torch.rand(n, generator=generator)


def iou_with(best, boxes, offset):
    x1, y1, x2, y2 = boxes.T
    w, h = (torch.minimum(hi, hi[best]) - torch.maximum(lo, lo[best]) + offset
            for lo, hi in ((x1, x2), (y1, y2)))
    inter = w.clamp(min=0) * h.clamp(min=0)
    area = (x2 - x1 + offset) * (y2 - y1 + offset)
    return inter / (area + area[best] - inter)


def greedy_nms(boxes, scores, threshold, offset):
    """Suppress by the definition: take the best box, and drop what overlaps it by more than the threshold."""
    keep, order = [], scores.argsort(descending=True).tolist()
    while order:
        best = order.pop(0)
        keep.append(best)
        iou = iou_with(best, boxes, offset)
        order = [i for i in order if iou[i] <= threshold]
    return keep


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.6])
def test_nms_is_greedy_suppression(device, offset, threshold):
    boxes, scores = boxes_and_scores()
    kept, indices = nms(boxes.to(device), scores.to(device), threshold, offset=offset)
    assert indices.tolist() == greedy_nms(boxes, scores, threshold, offset)
    assert torch.equal(kept.cpu(), torch.cat((boxes, scores[:, None]), 1)[indices.cpu()])


@pytest.mark.skipif(COMPILED, reason="mmcv's own kernel takes float32 only")
def test_nms_in_half_precision(device):
    """A network in half precision may hand over scores of it, with boxes that are not."""
    boxes, scores = (t.to(device, torch.bfloat16) for t in boxes_and_scores())
    _, indices = nms(boxes, scores, 0.5)
    assert torch.equal(indices, nms(boxes.float(), scores, 0.5)[1])
    assert torch.equal(indices, nms(boxes.float(), scores.float(), 0.5)[1])


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_lowers_scores(device, method, offset):
    boxes, scores = boxes_and_scores()
    decay = dict(naive=lambda iou: iou < 0.3, linear=lambda iou: 1 - iou * (iou >= 0.3),
                 gaussian=lambda iou: torch.exp(-iou**2 / 0.4))[method]
    left, final, order = set(range(len(boxes))), scores.clone(), []
    while left:
        best = max(left, key=lambda i: final[i])
        order.append(best)
        factors = decay(iou_with(best, boxes, offset))
        for i in left - {best}:
            final[i] *= factors[i]
        left = {i for i in left - {best} if final[i] >= 0.1}
    dets, indices = soft_nms(boxes.to(device), scores.to(device), 0.3, 0.4, 0.1, method, offset)
    assert indices.tolist() == order and len(order) < len(boxes)
    assert torch.allclose(dets.cpu(), torch.cat((boxes, final[:, None]), 1)[order])


def test_nms_match_groups_what_is_suppressed_by_what_suppresses_it():
    boxes, scores = boxes_and_scores()
    groups = [group.tolist() for group in nms_match(torch.cat((boxes, scores[:, None]), 1), 0.3)]
    assert [group[0] for group in groups] == greedy_nms(boxes, scores, 0.3, 0)
    assert sorted(i for group in groups for i in group) == list(range(len(boxes))) and len(groups) < len(boxes)
    for best, *rest in groups:
        assert (iou_with(best, boxes, 0)[rest] >= 0.3).all()
        assert rest == sorted(rest, key=lambda i: -scores[i])
    assert nms_match(torch.empty(0, 5), 0.3) == []


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
def test_roi_align_and_its_gradient(device, aligned, sampling_ratio):
    """On a linear ramp, the average of bilinear samples is the ramp at the bin's centre."""
    ramp = torch.arange(32., device=device).expand(1, 1, 32, 32).clone().requires_grad_()
    roi = torch.tensor([[0, 4., 4., 20., 20.]], device=device)
    out = RoIAlign((4, 4), 1.0, sampling_ratio, aligned=aligned)(ramp, roi)
    centres = 4 + 4 * (torch.arange(4.) + 0.5) - (0.5 if aligned else 0)
    assert torch.allclose(out[0, 0].cpu(), centres.expand(4, 4), atol=1e-5)
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
