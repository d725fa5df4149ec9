"""Tests of saliency: its definitions, and that to ask a model leaves no trace in its training."""
import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from pytorch_grad_cam import GradCAM as ReferenceGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from mmresizemix import PatchMix
from mmresizemix.saliency import FineGrained, GradCAM, InputGradient, build_saliency


class Net(nn.Module):
    """A network with everything that could be disturbed by asking it: BatchNorm, dropout and a frozen part."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.3),
            nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 5))

    def forward(self, x):
        return self.head(self.backbone(x).mean((2, 3)))


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = Net()
    for _ in range(3):
        net(torch.rand(16, 3, 32, 32))  # BatchNorm collects statistics
    return net


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(6, 3, 32, 48, generator=generator), F.one_hot(torch.arange(6) % 5).float()


def test_the_heatmap_is_grad_cams(net, batch):
    """The reference is the package grad-cam, which scales each map to 0..1."""
    x, y = batch
    saliency = GradCAM('backbone')
    saliency.attach(net)
    ours = saliency(x, y)
    assert ours.shape == (6, 32, 48) and ours.min() >= 0
    net.eval()
    with ReferenceGradCAM(net, [net.backbone]) as reference:
        theirs = torch.from_numpy(reference(
            x, [ClassifierOutputTarget(int(c)) for c in y.argmax(1)]))
    for mine, expected in zip(ours, theirs):
        assert torch.allclose(mine / mine.max(), expected, atol=1e-4)


def test_soft_labels_are_weighted(net, batch):
    """Only one linear layer follows the maps, so the heat before the ReLU is linear in the labels."""
    x, _ = batch
    saliency = GradCAM()
    saliency.attach(net)
    net.backbone.eval()
    maps = net.backbone(x)
    soft = torch.tensor([[0.7, 0.3, 0, 0, 0]]).expand(6, 5)
    w = (soft @ net.head[1].weight)[:, :, None, None] / maps[0, 0].numel()
    expected = F.interpolate(F.relu((w * maps).sum(1, keepdim=True)), (32, 48), mode='bilinear')
    assert torch.allclose(saliency(x, soft), expected[:, 0], atol=1e-7)


def test_input_gradient_by_finite_differences(net, batch):
    x, y = (t[:1].double() for t in batch)
    net.double()
    saliency = InputGradient()
    saliency.attach(net)
    found = saliency(x, y)[0, 5, 7]
    net.eval()
    slopes = []
    for channel in range(3):
        losses = []
        for step in (-1e-5, 1e-5):
            moved = x.clone()
            moved[0, channel, 5, 7] += step
            losses.append(F.cross_entropy(net(moved), y).item())
        slopes.append((losses[1] - losses[0]) / 2e-5)
    assert float(found) == pytest.approx(sum(s * s for s in slopes)**0.5, rel=1e-4)


@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('saliency', [GradCAM(), GradCAM('backbone.4'), InputGradient()])
def test_a_training_step_does_not_notice(net, batch, saliency, autocast):
    """Gradients, statistics, modes, weights after the step and the random state are the same, bit for bit."""
    x, y = batch

    def step(model, ask):
        torch.manual_seed(3)
        model.train()
        model.backbone[1].eval()  # this part is frozen
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            if ask:
                saliency.attach(model)
                assert saliency(x, y).isfinite().all()
                assert torch.is_grad_enabled()
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        return (gradients, [*model.state_dict().values()], [m.training for m in model.modules()],
                torch.get_rng_state())

    for asked, plain in zip(step(copy.deepcopy(net), True), step(copy.deepcopy(net), False)):
        assert len(asked) == len(plain)
        assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b))
                   for a, b in zip(asked, plain))
    assert not any(m._forward_hooks for m in net.modules())


@pytest.mark.skipif(not hasattr(torch.compiler, 'set_stance'), reason='PyTorch before 2.6')
@pytest.mark.parametrize('saliency', [GradCAM('backbone'), GradCAM('backbone.4'), InputGradient()])
def test_a_compiled_backbone_is_asked_uncompiled(net, batch, saliency):
    x, y = batch
    saliency.attach(net)
    expected = saliency(x, y)
    torch.compiler.reset()
    graphs = []
    net.backbone.compile(backend=lambda graph, inputs: graphs.append(graph) or graph.forward)
    assert torch.equal(saliency(x, y), expected)
    for _ in range(3):
        net(x).sum().backward()
        assert saliency(x, y).shape == expected.shape
    assert len(graphs) == 1, 'compiled for the step of training alone'


def test_a_model_that_fails_is_left_as_it_was(net, batch):
    saliency = GradCAM()
    saliency.attach(net)
    net.head[1].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        saliency(*batch)
    assert net.training and net.backbone[1].training and torch.is_grad_enabled()
    assert not net.backbone._forward_hooks


def test_an_mmpretrain_classifier_and_its_last_map():
    init_default_scope('mmpretrain')
    model = MODELS.build(dict(
        type='ImageClassifier', backbone=dict(type='ResNet', depth=18, out_indices=(2, 3)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=512)))
    x, y = torch.rand(2, 3, 64, 64), torch.eye(4)[:2]
    for layer in ('backbone', 'backbone.layer4'):
        saliency = GradCAM(layer)
        saliency.attach(model)
        found = saliency(x, y)
        assert found.shape == (2, 64, 64)
        if layer == 'backbone':
            first = found
    assert torch.equal(found, first), 'the end of the backbone is its last stage'


def test_errors_name_what_is_missing(net, batch):
    with pytest.raises(ValueError, match="GradCAM: expected a model, got none.*AttachModelHook"):
        PatchMix('salient', 'random')(*batch)
    with pytest.raises(ValueError, match="GradCAM: layer: no module 'neck' in Net; it has .*head"):
        GradCAM('neck').attach(net)
    with pytest.raises(ValueError, match='saliency: expected .*, got 3'):
        build_saliency(3)


def test_fine_grained_written_out():
    """The expected map is computed pixel by pixel from the definition."""
    x = torch.rand(1, 1, 14, 20, generator=torch.Generator().manual_seed(0))
    one = torch.tensor([1., 2, 1]) / 4
    kernel = (one[:, None] * one)[None, None]
    g = F.conv2d(F.pad(F.conv2d(F.pad(x, (1, 1, 1, 1), mode='replicate'), kernel), (1, 1, 1, 1),
                       mode='replicate'), kernel)[0, 0]
    on, off = torch.zeros(14, 20), torch.zeros(14, 20)
    for r in (12, 24, 48, 28, 56, 112):
        for i in range(14):
            for j in range(20):
                mean = g[max(0, i - r):i + r + 1, max(0, j - r):j + r + 1].mean()
                on[i, j] += (g[i, j] - mean).clamp(min=0)
                off[i, j] += (mean - g[i, j]).clamp(min=0)
    expected = on / on.max() + off / off.max()
    assert torch.allclose(FineGrained()(x)[0], expected, atol=1e-4)


def test_fine_grained_does_not_mind_brightness_and_contrast():
    x = torch.rand(3, 3, 40, 50)
    assert torch.allclose(FineGrained()(x), FineGrained()(x * 3.7 - 2), atol=1e-3)
    assert (FineGrained()(torch.full((1, 3, 8, 8), 0.5)) == 0).all()
