"""Tests that the backbones of other frameworks compute the same after the export as before it.

Every network is built and initialised by its own library, and saved as its users save it.
"""
from functools import partial

import pytest
import torch
import torchvision
from torch import nn
from transfer_samples import drawn

from mmresizemix.transfer import CheckpointError, export_backbone, load_checkpoint
from mmresizemix.transfer.architecture import ArchitectureError, build_backbone, find_class

THIN = dict(base_channels=8, stem_channels=8)
PICTURES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def shaken(network: nn.Module) -> nn.Module:
    """Give every buffer and every scale of ``network`` values of its own, so that none can be taken for another."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if (tensor.is_floating_point() and tensor.dim() == 1) or 'gamma' in name or 'grn' in name:
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    network.eval()
    return network


def timm_network(name, **settings):
    timm = pytest.importorskip('timm', reason='needs timm')
    network = shaken(timm.create_model(name, **settings))
    return network, network.state_dict(), network.forward_features


def timm_convnext(name):
    network, state, features = timm_network(name)
    return network, state, lambda x: network.forward_head(features(x), pre_logits=True)


def transformers_network(kind, **settings):
    transformers = pytest.importorskip('transformers', reason='needs transformers')
    config = getattr(transformers, f'{kind}Config')(**settings)
    network = shaken(getattr(transformers, f'{kind}ForImageClassification')(config))
    base = network.base_model
    of_features = {'ResNet': lambda x: base(x).last_hidden_state}
    return network, network.state_dict(), of_features.get(kind, lambda x: base(x).pooler_output)


def torchvision_network(name, **settings):
    network = shaken(getattr(torchvision.models, name)(**settings))
    return network, network.state_dict(), lambda x: nn.Sequential(*list(network.children())[:-2])(x)


def torchvision_convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt
    network = shaken(ConvNeXt([CNBlockConfig(8, 12, 1), CNBlockConfig(12, 16, 1), CNBlockConfig(16, 20, 2),
                               CNBlockConfig(20, None, 1)]))
    return network, network.state_dict(), lambda x: network.classifier[0](
        network.avgpool(network.features(x))).flatten(1)


def torchvision_detector():
    from torchvision.models.detection import RetinaNet, backbone_utils
    backbone = backbone_utils.resnet_fpn_backbone(backbone_name='resnet18', weights=None)
    network = shaken(RetinaNet(backbone, num_classes=3))
    return network, dict(model=network.state_dict()), lambda x: network.backbone.body(x)['3']


def lightly_simclr():
    """lightly's own example: the children of a ResNet in a Sequential, and a projection head."""
    heads = pytest.importorskip('lightly.models.modules.heads', reason='needs lightly')
    backbone = shaken(nn.Sequential(*list(torchvision.models.resnet18().children())[:-1]))
    model = nn.ModuleDict(dict(backbone=backbone, projection_head=heads.SimCLRProjectionHead(512, 64, 32)))
    return model, dict(state_dict=model.state_dict()), backbone[:-1]


def wrapped(layout):
    """A thin ResNet-18 of torchvision's names in the file of another framework."""
    from mmpretrain.models.backbones import ResNet
    network = shaken(ResNet(depth=18, **THIN))
    state = {**network.state_dict(), 'fc.weight': torch.ones(2, 64), 'fc.bias': torch.ones(2)}
    before = {
        'Lightning': dict(state_dict={f'model.{k}': v for k, v in state.items()}, epoch=3),
        'lightly, flat': {f'backbone.{k}': v for k, v in state.items() if not k.startswith('fc.')},
        'data parallel': dict(state_dict={f'module.{k}': v for k, v in state.items()}),
        'compiled': dict(model={f'_orig_mod.{k}': v for k, v in state.items()}),
        'MoCo': dict(arch='resnet18', state_dict={
            **{f'module.encoder_q.{k}': v for k, v in state.items()},
            **{f'module.encoder_k.{k}': v + 1 for k, v in state.items()}, 'module.queue': torch.ones(8, 4)}),
        'DINO': dict(student={f'module.backbone.{k}': v + 1 for k, v in state.items()},
                     teacher={f'backbone.{k}': v for k, v in state.items()}, epoch=3),
    }[layout]
    return network, before, lambda x: network(x)[-1]


SOURCES = {
    **{f'torchvision {name}': partial(torchvision_network, name)
       for name in ('resnet18', 'resnext50_32x4d')},
    'torchvision ConvNeXt': torchvision_convnext,
    'torchvision detector': torchvision_detector,
    **{f'timm {name}': partial(timm_network, name) for name in ('resnet18', 'resnet50c', 'resnet50d', 'resnext50_32x4d')},
    'timm convnext_atto': partial(timm_convnext, 'convnext_atto'),
    'timm convnextv2_atto': partial(timm_convnext, 'convnextv2_atto'),
    'transformers ResNet-18': partial(transformers_network, 'ResNet', layer_type='basic', depths=[2, 2, 2, 2],
                                      hidden_sizes=[64, 128, 256, 512]),
    'transformers ResNet-50': partial(transformers_network, 'ResNet'),
    'transformers ConvNeXt': partial(transformers_network, 'ConvNext', depths=[1, 1, 2, 1],
                                     hidden_sizes=[16, 24, 32, 40]),
    'transformers ConvNeXt V2': partial(transformers_network, 'ConvNextV2', depths=[1, 1, 2, 1],
                                        hidden_sizes=[16, 24, 32, 40]),
    'lightly SimCLR': lightly_simclr,
    **{layout: partial(wrapped, layout) for layout in ('Lightning', 'lightly, flat', 'data parallel', 'compiled',
                                                       'MoCo', 'DINO')},
}
PREFIXES = {'MoCo': 'module.encoder_q.', 'DINO': 'teacher.backbone'}
FOUND = {'torchvision detector': 'backbone.body.', 'lightly SimCLR': 'backbone.', 'Lightning': 'model.',
         'lightly, flat': 'backbone.', 'MoCo': 'encoder_q.', 'DINO': 'teacher.backbone.',
         **dict.fromkeys(('transformers ResNet-18', 'transformers ResNet-50'), 'resnet.'),
         'transformers ConvNeXt': 'convnext.', 'transformers ConvNeXt V2': 'convnextv2.'}


@pytest.mark.parametrize('source', SOURCES)
def test_a_backbone_computes_the_same_after_the_export(source, save, tmp_path):
    _, content, features = SOURCES[source]()
    file = save(content)
    if source in PREFIXES:
        with pytest.raises(CheckpointError, match='several backbones, .* choose one with --prefix'):
            export_backbone(file, tmp_path / 'out.pth')
    stamp = export_backbone(file, tmp_path / 'out.pth', prefix=PREFIXES.get(source))
    assert stamp.prefix == FOUND.get(source, '') and stamp.method is None
    # A deep stem has MMDetection's names, and MMPretrain has others.
    ours = build_backbone(stamp.architecture, 'mmdet' if 'deep_stem' in stamp.architecture else 'mmpretrain')
    ours.to_empty(device='cpu').eval()
    missing, foreign = ours.load_state_dict(load_checkpoint(tmp_path / 'out.pth')['state_dict'], strict=False)
    assert not foreign and all(name.endswith('num_batches_tracked') for name in missing)
    with torch.no_grad():
        expected, found = features(PICTURES), ours(PICTURES)[-1]
    assert expected.shape == found.shape and torch.allclose(expected, found, rtol=1e-4, atol=1e-5)


def test_a_config_names_a_network_that_no_names_tell(save, tmp_path):
    """DeiT's own names are those of no network here, and MMPretrain's are told by its config."""
    from mmpretrain.models.backbones import MobileNetV2
    network = shaken(MobileNetV2(widen_factor=0.25))
    file = save({f'net.{k}': v for k, v in network.state_dict().items()})
    with pytest.raises(CheckpointError, match='known by its names alone, such as net.conv1.conv.weight.*--config'):
        export_backbone(file, tmp_path / 'out.pth')
    config = dict(model=dict(backbone=dict(type='MobileNetV2', widen_factor=0.25)))
    with pytest.raises(CheckpointError, match="no tensor begins with 'backbone.'; the names begin with net.conv1"):
        export_backbone(file, tmp_path / 'out.pth', config=config)
    stamp = export_backbone(file, tmp_path / 'out.pth', config=config, prefix='module.net', method='mine')
    assert stamp.architecture == dict(type='MobileNetV2', widen_factor=0.25)
    assert stamp.proved_by == dict(architecture='given', method='given')
    wrong = dict(model=dict(backbone=dict(type='MobileNetV2', widen_factor=0.5)))
    with pytest.raises(CheckpointError, match='tensors of another shape .conv1.conv.weight'):
        export_backbone(file, tmp_path / 'out.pth', config=wrong, prefix='net')


@pytest.mark.parametrize('kind, named', [
    ('torch.nn.Linear', 'is no backbone'), ('mmpretrain.ImageClassifier', 'is no backbone'), ('Nothing', 'is no'),
    ('mmpretrain.TIMMBackbone', 'is no backbone'), ('MAE', 'is no'), ('VQKD', 'is no'), ('os.makedirs', 'is no')])
def test_a_config_in_a_file_builds_backbones_only(kind, named, save, tmp_path):
    text = f"model = dict(type='ImageClassifier', backbone=dict(type={kind!r}))"
    content = dict(meta=dict(cfg=text), state_dict={'backbone.weight': torch.ones(1)})
    with pytest.raises(CheckpointError, match=named):
        export_backbone(save(content), tmp_path / 'out.pth')


@pytest.mark.parametrize('layer', ['os.makedirs', 'mmengine.mkdir_or_exist', 'TIMMBackbone', 'HuggingFaceClassifier'])
@pytest.mark.parametrize('network', [dict(type='ResNet', depth=18), dict(type='SwinTransformer')])
def test_a_layer_in_a_config_in_a_file_is_a_layer(network, layer, save, tmp_path):
    cfg = dict(type=layer, name=str(tmp_path / 'ran'), dir_name=str(tmp_path / 'ran'))
    for settings in (dict(network, act_cfg=cfg), dict(network, norm_cfg=cfg), dict(network, conv_cfg=[cfg])):
        content = dict(meta=dict(cfg=f'model = dict(backbone={settings!r})'), state_dict={'backbone.x': torch.ones(1)})
        with pytest.raises(CheckpointError, match='in the settings is no layer') as error:
            export_backbone(save(content), tmp_path / 'out.pth')
        assert '\n' not in str(error.value) and not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('settings', [
    dict(type='ResNet', depth=50), dict(type='ConvNeXt', arch='large', drop_path_rate=0.3),
    dict(type='SwinTransformer', arch='large'), dict(type='VisionTransformer', arch='huge', drop_path_rate=0.1)])
def test_a_network_is_built_without_memory(settings):
    assert all(p.device.type == 'meta' for p in build_backbone(settings, 'mmpretrain').parameters())


@pytest.mark.parametrize('settings', [
    dict(type='ResNet', depth=18, base_channels=4000),
    dict(type='ConvNeXt', arch=dict(depths=[20_000] * 4, channels=[8] * 4), drop_path_rate=0.1),
    dict(type='VisionTransformer', arch=dict(embed_dims=8, num_layers=19_999, num_heads=1, feedforward_channels=8))])
def test_a_network_that_is_too_large_is_refused_at_once(settings):
    with pytest.raises(ArchitectureError, match='more than 10000 tensors or 4000000000 parameters'):
        build_backbone(settings, 'mmpretrain')


@pytest.mark.parametrize('scope', [None, 'mmcls', 'mmengine', 'mmyolo', 'mmpretrain'])
@pytest.mark.parametrize('kind', ['ResNet', 'mmpretrain.ResNet', 'mmpretrain.models.backbones.resnet.ResNet'])
def test_a_name_is_found_under_any_scope(kind, scope):
    assert find_class(kind, scope).__module__.startswith('mmpretrain')
    assert find_class('PyramidVisionTransformer', scope).__module__.startswith('mmdet')
    with pytest.raises(ArchitectureError, match='is no backbone'):
        find_class(f'somewhere.{kind}', scope)


def test_only_a_resnet_has_a_style(save, tmp_path):
    _, content, _ = torchvision_convnext()
    stamp = export_backbone(save(content), tmp_path / 'out.pth', recipe='torchvision')
    assert stamp.style is None and 'style' not in stamp.proved_by and stamp.channels == 'RGB'


def test_a_resnext_with_a_deep_stem_has_timms_name(save, tmp_path):
    state = drawn(dict(type='ResNeXt', depth=50, groups=32, width_per_group=4, deep_stem=True, avg_down=True),
                  'mmpretrain')
    stamp = export_backbone(save(dict(state_dict=state, arch='resnext50d_32x4d')), tmp_path / 'out.pth')
    assert (stamp.architecture['type'], stamp.architecture['avg_down']) == ('ResNeXt', True)
    with pytest.raises(CheckpointError, match="name the network 'resnext50_32x4d'"):
        export_backbone(save(dict(state_dict=state, arch='resnext50_32x4d')), tmp_path / 'out.pth')


SWIN = dict(arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8]), img_size=64)
VIT = dict(arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64), img_size=64, patch_size=16)
CONVNEXT = dict(type='ConvNeXt', arch=dict(depths=[1, 1, 2, 1], channels=[8, 8, 16, 16]))
REGNET = dict(w0=8, wa=4, wm=1.7, group_w=8, depth=7, bot_mul=1.0)
ARCHITECTURES = {
    'ResNetV1c': dict(type='ResNetV1c', depth=18, **THIN), 'ResNetV1d': dict(type='ResNetV1d', depth=18, **THIN),
    'ResNeXt': dict(type='ResNeXt', depth=50, groups=4, width_per_group=2, **THIN),
    'SEResNet': dict(type='SEResNet', depth=50, **THIN), 'RegNet': dict(type='RegNet', arch=REGNET),
    'ConvNeXt': CONVNEXT, 'ConvNeXt V2': dict(CONVNEXT, use_grn=True, layer_scale_init_value=0.),
    'Swin': dict(type='SwinTransformer', **SWIN),
    'Swin V2': dict(type='SwinTransformerV2', arch=dict(SWIN['arch'], extra_norm_every_n_blocks=0), img_size=64),
    'ViT': dict(type='VisionTransformer', **VIT), 'MobileNetV2': dict(type='MobileNetV2', widen_factor=0.25),
    'MobileNetV3': dict(type='MobileNetV3', arch='small'), 'EfficientNet': dict(type='EfficientNet', arch='b0'),
    'thin ResNet': dict(type='ResNet', depth=18, base_channels=8), 'ViT of MAE': dict(type='MAEViT', **VIT),
    'Swin of SimMIM': dict(type='SimMIMSwinTransformer', **SWIN), 'LeNet': dict(type='LeNet5', num_classes=5),
    'ResNet by its module': dict(type='mmpretrain.models.backbones.resnet.ResNet', depth=18, base_channels=8),
}


@pytest.mark.parametrize('name, algorithm', [*((name, 'ImageClassifier') for name in ARCHITECTURES),
                                             ('thin ResNet', 'MoCo'), ('ViT of MAE', 'MAE')])
def test_whatever_mmpretrain_trains_is_exported(name, algorithm, save, tmp_path):
    settings = ARCHITECTURES[name]
    state = drawn(settings, 'mmpretrain')
    text = (f"default_scope = 'mmpretrain'\nmodel = dict(type={algorithm!r}, backbone={settings!r})\n"
            'data_preprocessor = dict(mean=[1., 2., 3.], std=[4., 5., 6.], to_rgb=True)\n'
            "train_dataloader = dict(dataset=dict(type='CustomDataset', pipeline=[]))")
    others = {} if name == 'LeNet' else {'head.fc.weight': torch.ones(2, 2), 'encoder_k.0.conv1.weight': torch.ones(3)}
    stamp = export_backbone(save(dict(meta=dict(cfg=text), state_dict={
        **{f'backbone.{k}': v for k, v in state.items()}, **others})), tmp_path / 'out.pth')
    written = load_checkpoint(tmp_path / 'out.pth')['state_dict']
    same = {name for name in state if not name.startswith(('stem.', 'layer1.0.downsample.'))}
    assert len(written) == len(state) and same <= set(written)
    assert all(torch.equal(one, two) for one, two in zip(written.values(), state.values()))
    if name in ('ResNetV1c', 'ResNetV1d'):
        theirs = build_backbone(dict(settings, type='ResNet', deep_stem=True, avg_down=name == 'ResNetV1d'), 'mmdet')
        assert set(written) == set(theirs.state_dict())
    assert stamp.method == ('baseline' if algorithm == 'ImageClassifier' else algorithm.lower())
    assert stamp.architecture == settings and (stamp.mean, stamp.channels) == ((1, 2, 3), 'RGB')


@pytest.mark.parametrize('name', ['thin ResNet', 'Swin', 'MobileNetV2'])
def test_a_backbone_with_a_tensor_missing_is_refused(name, save, tmp_path):
    state = drawn(ARCHITECTURES[name], 'mmpretrain')
    cfg = f"model = dict(type='ImageClassifier', backbone={ARCHITECTURES[name]!r})"
    for missing in (next(iter(state)), [name for name in state if not name.endswith('tracked')][-1]):
        content = {f'backbone.{k}': v for k, v in state.items() if k != missing}
        with pytest.raises(CheckpointError, match=f'tensors missing.*{missing}'):
            export_backbone(save(dict(meta=dict(cfg=cfg), state_dict=content)), tmp_path / 'out.pth')


DETECTORS = {
    'ResNet': dict(type='ResNet', depth=18, out_indices=(0, 1, 2, 3), norm_eval=True, style='pytorch', **THIN),
    'ResNetV1d': dict(type='ResNetV1d', depth=18, **THIN),
    'ResNeXt': dict(type='ResNeXt', depth=50, groups=4, base_width=4, **THIN),
    'RegNet': dict(type='RegNet', arch=REGNET, out_indices=(0, 1, 2, 3)),
    'Swin': dict(type='SwinTransformer', embed_dims=24, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8)),
    'ConvNeXt': dict(CONVNEXT, type='mmpretrain.ConvNeXt', out_indices=[0, 1, 2, 3], gap_before_final_norm=False),
    'MobileNetV2': dict(type='MobileNetV2', widen_factor=0.25, out_indices=(2, 4, 6)),
    'Res2Net': dict(type='Res2Net', depth=50, scales=4, base_width=8, **THIN),
    'ResNeSt': dict(type='ResNeSt', depth=50, **THIN),
    'ResNetV1c': dict(type='ResNet', depth=18, deep_stem=True, **THIN),
    'EfficientNet': dict(type='EfficientNet', arch='b0', out_indices=(3, 4, 5)),
    'ConvNeXt V2': dict(CONVNEXT, type='mmpretrain.ConvNeXt', out_indices=[0, 1, 2, 3], gap_before_final_norm=False,
                        use_grn=True, layer_scale_init_value=0.),
    'Swin V2': dict(ARCHITECTURES['Swin V2'], type='mmpretrain.SwinTransformerV2', out_indices=(0, 1, 2, 3)),
}


@pytest.mark.parametrize('name', DETECTORS)
def test_the_backbone_of_a_detector_is_exported_and_named_as_one(name, save, tmp_path):
    state = drawn(DETECTORS[name], 'mmdet')
    text = (f"default_scope = 'mmdet'\nmodel = dict(type='RetinaNet', backbone={DETECTORS[name]!r},\n"
            'data_preprocessor=dict(mean=[1., 2., 3.], std=[4., 5., 6.], bgr_to_rgb=True))')
    stamp = export_backbone(save(dict(meta=dict(cfg=text), state_dict={
        **{f'backbone.{k}': v for k, v in state.items()}, 'neck.conv.weight': torch.ones(1)})), tmp_path / 'out.pth')
    written = load_checkpoint(tmp_path / 'out.pth')['state_dict']
    assert set(written) == set(state) and all(torch.equal(written[k], v) for k, v in state.items())
    assert (stamp.method, stamp.channels, stamp.layout) == ('mmdet-retinanet', 'RGB', 'mmdet')
