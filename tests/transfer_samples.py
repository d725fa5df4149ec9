"""Checkpoints of classifiers as their frameworks save them."""
import os
from functools import cache

import torch
import torchvision

CLASSIFIER_CONFIG = '''
data_preprocessor = dict(mean=[123.675, 116.28, 103.53], num_classes=6, std=[58.395, 57.12, 57.375],
                         to_rgb=True)
model = dict(type='ImageClassifier', backbone=dict(base_channels=8, depth=18, stem_channels=8, style='pytorch', type='ResNet'),
             train_cfg=dict(augments=dict(interpolation='nearest', per='batch', type='mmresizemix.ResizeMix')))
train_dataloader = dict(dataset=dict(type='CustomDataset', pipeline=[]))
work = open('/nonexistent')
'''


def state_of(depth=18, seed=0, full=False):
    """Return random weights of a ResNet by torchvision's names, with an eighth of its channels, or those of
    torchvision's own if ``full``. Every buffer differs from its default, and the weights are small enough for a
    detector to train from."""
    return {name: tensor.clone() for name, tensor in _drawn(depth, seed, full).items()}


@cache
def _drawn(depth, seed, full):
    torch.manual_seed(seed)
    if full:
        state = getattr(torchvision.models, f'resnet{depth}')(num_classes=6).state_dict()
    else:
        from mmpretrain.models.backbones import ResNet
        state = ResNet(depth=depth, base_channels=8, stem_channels=8).state_dict()
        channels = 64 if depth < 50 else 256
        state.update({'fc.weight': torch.rand(6, channels), 'fc.bias': torch.rand(6)})
    return {k: _random(v) if v.is_floating_point() else v + 7 for k, v in state.items()}


def _random(weight: torch.Tensor) -> torch.Tensor:
    drawn = torch.rand_like(weight)
    return drawn / weight[0].numel() if weight.dim() > 1 else drawn


def drawn(settings, package):
    """Return random weights of the backbone that these ``settings`` describe."""
    from mmresizemix.transfer.architecture import build_backbone
    network = build_backbone(settings, package).to_empty(device='cpu')
    generator = torch.Generator().manual_seed(1)
    return {k: torch.rand(v.shape, generator=generator) if v.is_floating_point() else torch.zeros_like(v)
            for k, v in network.state_dict().items()}


def as_mmpretrain(state, config=CLASSIFIER_CONFIG):
    """Return ``state`` as mmpretrain saves it: with prefixes, a head, and a meta that holds the config's text."""
    named = {('head.fc.' + k[3:] if k.startswith('fc.') else f'backbone.{k}'): v
             for k, v in state.items()}
    return dict(meta=dict(cfg=config, epoch=3), state_dict=named,
                message_hub=dict(log_scalars={}, runtime_info={}), optimizer=dict(state={}))


class RunsCode:
    """An object that pickles to a call. Loading it without care creates ``path``."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f'touch {self.path}', )
