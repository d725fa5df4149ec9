"""Tests of mmcv's sigmoid focal loss by its stand-in, against the formula of the paper."""
import math

import pytest
import torch
from mmcv.ops import SigmoidFocalLoss, sigmoid_focal_loss
from mmdet.models.losses import FocalLoss
from torch.autograd import gradcheck

from mmresizemix.openmmlab.ops.fallback import stands_in

pytestmark = pytest.mark.skipif(not stands_in(), reason='mmcv has its compiled ops here')

CLASSES = 3
TARGETS = [0, 2, 1, 3, 3]  # 3 is the background


def logits(device='cpu', dtype=torch.float64):
    x = torch.randn(len(TARGETS), CLASSES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (3 * x).to(device, dtype)


def by_the_formula(x, targets, gamma, alpha, weights):
    """FL(p_t) = -α_t (1 - p_t)^γ log p_t, for one number after the other."""
    losses = torch.zeros(x.shape, dtype=torch.float64)
    for row, target in enumerate(targets):
        for column in range(x.shape[1]):
            p = 1 / (1 + math.exp(-x[row, column]))
            p_t, alpha_t = (p, alpha) if column == target else (1 - p, 1 - alpha)
            losses[row, column] = -alpha_t * (1 - p_t)**gamma * math.log(p_t) * (weights[target] if weights else 1)
    return losses


@pytest.mark.parametrize('weights', [None, [1., 0.5, 2.]])
@pytest.mark.parametrize('gamma', [0., 1.5, 2.])
def test_it_is_the_formula(device, gamma, weights):
    targets = TARGETS[:3] if weights else TARGETS
    x = logits(device)[:len(targets)].requires_grad_()
    expected = by_the_formula(x.detach().cpu(), targets, gamma, 0.3, weights)
    target = torch.tensor(targets, device=device)
    weight = torch.tensor(weights, device=device, dtype=torch.float64) if weights else None
    for reduction, value in dict(none=expected, sum=expected.sum(), mean=expected.sum() / len(targets)).items():
        loss = SigmoidFocalLoss(gamma, 0.3, weight, reduction)
        assert torch.allclose(loss(x, target).cpu(), value, rtol=1e-12)
        if reduction != 'none':  # mmcv's own backward asks for a scalar
            assert gradcheck(loss, (x, target))


def test_it_is_what_mmdet_computes_on_the_cpu():
    """MMDetection calls mmcv's op on the GPU only. On the CPU it has a form of its own."""
    x, target = logits(dtype=torch.float32), torch.tensor(TARGETS)
    ours = sigmoid_focal_loss(x, target, 2., 0.25, None, 'sum')
    assert torch.allclose(ours, FocalLoss(reduction='sum')(x, target))


def test_a_saturated_logit_has_a_finite_loss(device):
    x = torch.tensor([[1000., -1000.]], device=device).requires_grad_()
    loss = sigmoid_focal_loss(x, torch.tensor([1], device=device), 2., 0.25, None, 'sum')
    loss.backward()
    assert loss.item() == 0.75 * 1000 + 0.25 * 1000
    assert x.grad.tolist() == [[0.75, -0.25]]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single_precision(device, dtype):
    x, target = logits(device, dtype), torch.tensor(TARGETS, device=device)
    losses = [sigmoid_focal_loss(one, target, 2., 0.25, None, 'none') for one in (x, x.float())]
    assert losses[0].dtype == dtype and torch.equal(losses[0], losses[1].to(dtype))


def test_the_background_has_no_weight():
    with pytest.raises(ValueError, match='weight has values for classes 0 to 2, but a target is 3, the background'):
        sigmoid_focal_loss(logits(), torch.tensor(TARGETS), 2., 0.25, logits()[0], 'sum')
