"""Tests of RecursiveMix's head: it is a linear head, and its second loss is the paper's formula."""
import importlib
import json
from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models import GlobalAveragePooling, LinearClsHead
from mmpretrain.structures import DataSample
from small_classifier import small_classifier, write_crops
from torch import nn

from mmresizemix import RecursiveMix, RecursiveMixHead
from mmresizemix.openmmlab.installed import CONFIGS
from mmresizemix.runs.run_config import RunConfig
from mmresizemix.training.launch import train
from mmresizemix.transfer import load_checkpoint

N, CLASSES, CHANNELS = 3, 5, 6
SIZE, CELLS = (32, 64), (8, 32)  # cells of 4 x 2 pixels
# Boxes of whole cells: their RoIAlign is the mean of these cells. The last is empty.
BOXES = torch.tensor([[4, 8, 20, 24], [32, 0, 64, 32], [0, 0, 0, 0]])


@pytest.fixture(autouse=True)
def seeded():
    init_default_scope('mmpretrain')
    torch.manual_seed(0)


class Boxed(RecursiveMix):
    """RecursiveMix that pastes into :data:`BOXES`."""

    def draw(self, batch_size, size):
        mix = super().draw(batch_size, size)
        return replace(mix, target=BOXES) if mix.from_history else mix


def head_and_augment(**settings):
    head, augment = RecursiveMixHead(CLASSES, CHANNELS, loss=dict(type='CrossEntropyLoss', use_soft=True),
                                     **settings), Boxed(seed=0)
    for parameter in head.parameters():
        nn.init.normal_(parameter)
    model = nn.Module()
    model.head = head
    augment.attach(model)
    return head, augment


def step(head, augment):
    """Mix a batch, and return its maps, its labels and the losses."""
    maps = (2 * torch.randn(N, CHANNELS, 1, 1) + torch.randn(N, CHANNELS, *CELLS)).requires_grad_()
    _, scores = augment(torch.rand(N, 3, *SIZE), torch.eye(N, CLASSES))
    return maps, scores, head.loss((maps, ), [DataSample().set_gt_score(score) for score in scores])


@pytest.mark.parametrize('share_fc', [True, False])
def test_the_loss_is_the_papers_formula(share_fc):
    head, augment = head_and_augment(omega=0.3, share_fc=share_fc)
    earlier, _, _ = step(head, augment)
    maps, scores, losses = step(head, augment)
    f = head.fc(maps.mean((2, 3))).softmax(1)
    assert losses['loss_ce'].item() == pytest.approx(-(scores * f.log()).sum(1).mean().item(), rel=1e-5)

    H = head.fc if share_fc else head.fc_roi
    p_h = head.fc(earlier.mean((2, 3))).softmax(1)
    total = 0.
    for i, (x1, y1, x2, y2) in enumerate(BOXES.tolist()[:2]):
        lam = (x2 - x1) * (y2 - y1) / (32 * 64)
        q = H(maps[i, :, y1 // 4:y2 // 4, x1 // 2:x2 // 2].mean((1, 2))).softmax(0)
        total += lam * (p_h[i] * (p_h[i] / q).log()).sum()
    assert losses['loss_consistency'].item() == pytest.approx(0.3 * total.item() / N, rel=1e-5)


def test_a_box_between_cells_is_pooled_where_it_lies():
    """The mean of a map that rises evenly is its value in the middle of the box."""
    head, augment = head_and_augment()
    with torch.no_grad():
        head.fc.weight.copy_(torch.eye(CLASSES, CHANNELS))
        head.fc.bias.zero_()
    x1, y1, x2, y2 = box = 9, 7, 40, 22
    maps = torch.zeros(1, CHANNELS, *CELLS)
    maps[0, 0], maps[0, 1] = torch.arange(32.) + .5, torch.arange(8.)[:, None] + .5  # in cells, at their centres
    augment(torch.rand(1, 3, *SIZE), torch.eye(1, CLASSES))
    p_h = torch.rand(1, CLASSES).softmax(1)
    found = head._kl(maps, torch.tensor([box]), SIZE, p_h)
    q = torch.tensor([[(x1 + x2) / 4, (y1 + y2) / 8, 0, 0, 0]]).softmax(1)
    assert found.item() == pytest.approx((p_h * (p_h / q).log()).sum().item(), rel=1e-4)


def test_the_gradient_reaches_the_current_batch_alone():
    """It is that of the authors' cross entropy."""
    head, augment = head_and_augment(omega=1.)
    earlier, _, _ = step(head, augment)
    maps, _, losses = step(head, augment)
    of_earlier, of_maps = torch.autograd.grad(losses['loss_consistency'], (earlier, maps), allow_unused=True)
    assert of_earlier is None

    p_h = head.fc(earlier.mean((2, 3))).softmax(1).detach()
    pooled = [maps[i, :, y1 // 4:y2 // 4, x1 // 2:x2 // 2].mean((1, 2))
              for i, (x1, y1, x2, y2) in enumerate(BOXES.tolist()[:2])]
    entropy = -(p_h[:2] * head.fc(torch.stack(pooled)).log_softmax(1)).sum(1)
    lam = torch.tensor([1 / 8, 1 / 2])
    [expected] = torch.autograd.grad((lam * entropy).sum() / N, maps)
    assert torch.allclose(of_maps, expected, atol=1e-7) and of_maps.abs().max() > 1e-4


def test_without_a_history_it_is_zero_and_uses_every_weight():
    """DDP waits for the gradients of all weights in every step."""
    head, augment = head_and_augment(share_fc=False)
    _, _, losses = step(head, augment)
    assert losses['loss_consistency'] == 0
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert not head.fc_roi.weight.grad.any()
    # Another augment mixes this batch: its predictions are not those of the history.
    p_h = augment.history.p
    head.loss((torch.rand(N, CHANNELS, *CELLS), ), [DataSample().set_gt_score(torch.ones(CLASSES)) for _ in range(N)])
    assert augment.history.p is p_h


def test_it_classifies_as_a_linear_head_after_pooling():
    head, maps = head_and_augment()[0], torch.rand(N, CHANNELS, *CELLS)
    linear = LinearClsHead(CLASSES, CHANNELS)
    linear.load_state_dict(head.state_dict())
    assert torch.equal(head((maps, )), linear(GlobalAveragePooling()((maps, ))))
    predicted, expected = head.predict((maps, )), linear.predict(GlobalAveragePooling()((maps, )))
    assert all(torch.equal(a.pred_score, b.pred_score) for a, b in zip(predicted, expected))


def test_off_the_cpu_nothing_is_read_back():
    """Meta tensors have no values, so reading one raises an error."""
    head, augment = head_and_augment(share_fc=False)
    head.to('meta')
    for _ in range(2):
        augment(torch.empty(N, 3, *SIZE, device='meta'), torch.empty(N, CLASSES, device='meta'))
        losses = head.loss((torch.empty(N, CHANNELS, *CELLS, device='meta'), ),
                           [DataSample().set_gt_score(torch.ones(CLASSES, device='meta')) for _ in range(N)])
        assert all(loss.is_meta for loss in losses.values())
    assert augment.drawn.from_history


def test_what_is_missing_is_named():
    head, _ = head_and_augment()
    with pytest.raises(ValueError, match=r'got shape \(3, 6\); set model.neck=None'):
        head((torch.rand(N, CHANNELS), ))
    with pytest.raises(ValueError, match='expected a RecursiveMix .*AttachModelHook'):
        RecursiveMixHead(CLASSES, CHANNELS).loss((torch.rand(N, CHANNELS, *CELLS), ), [])
    with pytest.raises(ValueError, match='omega: expected a number >= 0, got -1'):
        RecursiveMixHead(CLASSES, CHANNELS, omega=-1)


def test_its_config_differs_from_the_baseline_in_the_method_alone():
    ours, baseline = (RunConfig.parse(Config.fromfile(CONFIGS / f'pretrain/resnet50_8xb64-{name}300e_in1k.py').to_dict())
                      for name in ('recursivemix-', ''))
    assert (ours.method, baseline.method) == ('recursivemix+consistency(omega=0.5, share_fc=false)', 'baseline')
    assert ours.settings() == baseline.settings()


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    return write_crops(tmp_path_factory.mktemp('data'), 4)


MIX = dict(type='mmresizemix.RecursiveMix', inplace=True)
SOLARIZED = dict(type='mmresizemix.MixThenAugment', mix=MIX, transforms=[dict(type='RandomSolarize', threshold=99)])


def recursivemix(crops, work_dir, augments=MIX, **options):
    """Return the config of two epochs of five steps, of which the last is smaller."""
    return small_classifier(crops, work_dir, **{
        'train_dataloader.batch_size': 5, 'model.neck': None, 'model.head.omega': 2., 'model.head.share_fc': False,
        'model.head.type': 'mmresizemix.RecursiveMixHead',
        'model.train_cfg.augments': dict(augments, _delete_=True), **options})


def losses_of(work_dir):
    lines = [json.loads(line) for log in sorted(work_dir.glob('*/vis_data/scalars.json'))
             for line in log.read_text().splitlines()]
    return [line for line in lines if 'loss' in line]


@pytest.mark.parametrize('augments', [MIX, SOLARIZED], ids=['alone', 'then-augmented'])
def test_stopped_and_resumed_equals_uninterrupted(crops, tmp_path, augments):
    importlib.import_module('small_run')  # this registers SignalAt
    train(recursivemix(crops, tmp_path / 'straight', augments))
    for at in (2, 8):  # in both epochs
        cfg = recursivemix(crops, tmp_path / 'stopped', augments)
        cfg.custom_hooks.append(dict(type='SignalAt', at=at))
        with pytest.raises(SystemExit):
            train(cfg, resume='auto')
        [rank] = load_checkpoint(tmp_path / 'stopped/interrupted.pth')['meta']['interrupted']['ranks']
        assert rank['augments'][0]['history']['p'].shape == (5, 6)
    train(recursivemix(crops, tmp_path / 'stopped', augments), resume='auto')
    ends = [load_checkpoint(tmp_path / run / 'epoch_2.pth') for run in ('straight', 'stopped')]
    for name, tensor in ends[0]['state_dict'].items():
        assert torch.equal(tensor, ends[1]['state_dict'][name]), name

    lines = losses_of(tmp_path / 'straight')
    assert [line['mix/share'] for line in lines] == [0, 1, 1, 1, 1] * 2
    assert all(line['loss'] == pytest.approx(line['loss_ce'] + line['loss_consistency'], abs=2e-4) for line in lines)
    assert [line['loss_consistency'] > 0 for line in lines[:5]] == [False, True, True, True, True]


def test_it_trains_in_bfloat16(crops, tmp_path):
    train(recursivemix(crops, tmp_path, **{'train_cfg.max_epochs': 1}), amp=True)
    assert all(0 <= line['loss_consistency'] < 10 for line in losses_of(tmp_path))
