"""Tests of each refusal of the guard by name, before the first step of a real run, and of what passes."""
import json
from pathlib import Path

import pytest
import torch
import torchvision
from mmengine.config import Config
from mmengine.runner import Runner
from thin_networks import SSD96
from transfer_samples import RunsCode, as_mmpretrain, drawn, state_of

from mmresizemix.transfer import BackboneError, export_backbone, load_checkpoint
from mmresizemix.transfer.backbone_file import check_from_scratch, read_backbone_file


def refused(cfg):
    """Return the message with which a run of ``cfg`` stops before its first step."""
    runner = Runner.from_cfg(cfg)
    with pytest.raises(BackboneError) as error:
        runner.train()
    assert runner.iter == 0 and not list(Path(runner.work_dir).glob('epoch_*.pth'))
    return str(error.value)


def record_of(runner):
    return json.loads((Path(runner.work_dir) / 'backbone.json').read_text())


# What passes


def log_of(runner):
    return next(Path(runner.work_dir).glob('*/*.log')).read_text()


THREE_STAGES = dict(config='configs/demo/ssd96_r18_scenes-coco.py')


@pytest.mark.parametrize('detector', [{}, THREE_STAGES], ids=['faster r-cnn', 'ssd'])
def test_a_right_file_passes_without_a_warning(detector, exported, detector_config, start):
    runner = start(detector_config(exported, **detector))
    assert 'do not match' not in log_of(runner) and 'unexpected key' not in log_of(runner)
    record, stamp = record_of(runner), load_checkpoint(exported)['meta']['mmresizemix_backbone']
    assert record['method'] == 'resizemix' and record['digest'] == stamp['digest']
    assert record['not_proved'] == [] and not record['from_scratch']
    backbone = runner.model.backbone.state_dict()
    assert record['tensors_equal'] == len(backbone)
    tensors = load_checkpoint(exported)['state_dict']
    assert all(torch.equal(v, tensors[k]) for k, v in backbone.items())


def test_only_the_warning_on_what_is_rightly_left_over_is_silenced(exported, detector_config, start):
    cfg = detector_config(exported, **THREE_STAGES)
    cfg.custom_hooks = cfg.custom_hooks[1:]  # without the guard
    assert 'unexpected key in source state_dict: layer4.0' in log_of(start(cfg))


def test_a_file_without_a_stamp_passes_and_says_what_is_not_proved(save, detector_config, start):
    runner = start(detector_config(save(state_of())))
    assert 'could not be proved: method, normalisation, channel order, style' in log_of(runner)
    record = record_of(runner)
    assert record['method'] is None and len(record['digest']) == 64
    assert 'style' in record['not_proved']


def test_an_mmpretrain_checkpoint_passes_with_a_prefix(save, detector_config, start):
    cfg = detector_config(save(as_mmpretrain(state_of())),
                          **{'model.backbone.init_cfg.prefix': 'backbone.'})
    assert record_of(start(cfg))['method'] == 'resizemix'


SCRATCH = {'model.backbone.frozen_stages': -1, 'model.backbone.norm_eval': False}


def scratch(cfg):
    for hook in cfg.custom_hooks:
        if hook['type'] == 'mmresizemix.BackboneGuard':
            hook['from_scratch'] = True
    return cfg


def test_random_weights_pass_where_the_config_says_so(detector_config, start):
    record = record_of(start(scratch(detector_config(None, **SCRATCH))))
    assert record == dict(from_scratch=True, method='random')


def test_testing_needs_no_backbone_file(exported, detector_config, start, tmp_path):
    cfg = detector_config(exported)
    torch.save(dict(state_dict=start(cfg).model.state_dict()), tmp_path / 'detector.pth')
    exported.unlink()
    cfg.load_from = str(tmp_path / 'detector.pth')
    assert 'coco/bbox_mAP' in Runner.from_cfg(cfg).test()


# What is refused


def test_no_prefix(save, detector_config):
    text = refused(detector_config(save(as_mmpretrain(state_of()))))
    assert "begin with 'backbone.', and init_cfg has no prefix" in text and 'export' in text


def test_a_prefix_on_a_naked_file(exported, detector_config):
    text = refused(detector_config(exported, **{'model.backbone.init_cfg.prefix': 'backbone.'}))
    assert "prefix='backbone.'" in text and 'leave out the prefix' in text


def test_another_depth(save, tmp_path, detector_config):
    export_backbone(save(state_of(50)), tmp_path / 'r50.pth')
    text = refused(detector_config(tmp_path / 'r50.pth'))
    assert 'another depth: the file holds a ResNet-50, the detector a ResNet-18' in text
    assert 'model.backbone.depth=50' in text


def test_another_width(save, detector_config):
    state = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
    state.conv1 = torch.nn.Conv2d(3, 32, 7, bias=False)
    text = refused(detector_config(save(state.state_dict())))
    assert 'another width' in text and 'conv1.weight: (32, 3, 7, 7) in the file' in text


def test_a_v1d(save, detector_config):
    from mmpretrain.models.backbones import ResNetV1d
    text = refused(detector_config(save(ResNetV1d(depth=50).state_dict())))
    assert 'the file has a deep stem (ResNetV1c or V1d)' in text


def test_missing_keys(save, detector_config):
    state = {k: v for k, v in state_of().items() if not k.startswith('layer2.1')}
    text = refused(detector_config(save(state)))
    assert 'missing in the file (layer2.1.conv1.weight' in text


def test_nan(save, detector_config):
    state = state_of()
    state['layer3.0.conv1.weight'][3] = float('nan')
    assert 'layer3.0.conv1.weight holds NaN' in refused(detector_config(save(state)))


def test_a_truncated_file(exported, detector_config):
    exported.write_bytes(exported.read_bytes()[:100_000])
    assert str(exported) in refused(detector_config(exported))


def test_a_missing_file(detector_config):
    assert '/no/such.pth: no such file' in refused(detector_config('/no/such.pth'))


def test_a_pickle_that_is_no_checkpoint(save, detector_config):
    assert 'not a dict of tensors' in refused(detector_config(save([1, 2])))


def test_a_file_that_would_run_code(save, tmp_path, detector_config):
    path = save(dict(state_dict=state_of(), meta=RunsCode(tmp_path / 'ran')))
    assert 'could run code' in refused(detector_config(path))
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('depth', [18, 50])
def test_style_caffe(depth, save, tmp_path):
    thin = dict(type='mmdet.ResNet', depth=depth, base_channels=8, stem_channels=8)
    export_backbone(save(trained(thin)), tmp_path / 'out.pth')
    detector = detector_with(dict(thin, style='caffe'), tmp_path / 'out.pth')
    if depth == 18:  # a basic block has one place for its stride
        assert read_backbone_file(*detector)
        return
    with pytest.raises(BackboneError, match='style: pytorch in pretraining, caffe in the detector') as error:
        read_backbone_file(*detector)
    assert "model.backbone.style='pytorch'" in str(error.value)


def test_std_of_ones(exported, detector_config):
    text = refused(detector_config(exported, **{'model.data_preprocessor.std': [1., 1., 1.]}))
    assert 'about 58 times too large' in text
    assert 'model.data_preprocessor.std=[58.395, 57.12, 57.375]' in text


def test_another_mean(exported, detector_config):
    text = refused(detector_config(exported, **{'model.data_preprocessor.mean': [0., 0., 0.]}))
    assert 'model.data_preprocessor.mean=[123.675, 116.28, 103.53]' in text


def test_bgr_against_rgb(exported, detector_config):
    text = refused(detector_config(exported, **{'model.data_preprocessor.bgr_to_rgb': False}))
    assert 'channel order: RGB in pretraining, BGR in the detector' in text
    assert 'model.data_preprocessor.bgr_to_rgb=True' in text


def test_all_faults_are_told_at_once(exported, detector_config):
    text = refused(detector_config(exported, **{'model.data_preprocessor.bgr_to_rgb': False,
                                                'model.data_preprocessor.std': [1., 1., 1.]}))
    assert 'channel order' in text and 'std' in text and text.count('\n  - ') == 2


def test_a_file_changed_since_export(exported, detector_config):
    content = torch.load(exported, weights_only=True)
    content['state_dict']['layer1.0.conv1.weight'][0, 0, 0, 0] += 1e-6
    torch.save(content, exported)
    text = refused(detector_config(exported))
    assert 'not those that were exported' in text and 'export the backbone again' in text


def test_load_from_overwriting_the_backbone(exported, detector_config, tmp_path):
    cfg = detector_config(exported)
    other = Runner.from_cfg(cfg).model.state_dict()
    torch.save(dict(state_dict=other), tmp_path / 'detector.pth')
    cfg.load_from = str(tmp_path / 'detector.pth')
    text = refused(cfg)
    assert 'load_from=' in text and 'overwrote them: leave out load_from' in text


def test_no_file_and_no_word_that_this_is_meant(detector_config):
    text = refused(detector_config(None))
    assert 'start from random weights' in text and '--backbone random' in text


@pytest.mark.parametrize('setting, named', [
    ({'model.backbone.norm_eval': False}, 'frozen_stages=1 would freeze random weights'),
    ({'model.backbone.frozen_stages': -1}, 'norm_eval=True would keep BatchNorm'),
])
def test_frozen_random_weights(setting, named, detector_config):
    assert named in refused(scratch(detector_config(None, **setting)))


def test_from_scratch_beside_a_file(exported, detector_config):
    text = refused(scratch(detector_config(exported, **SCRATCH)))
    assert 'from_scratch=True, but model.backbone.init_cfg loads' in text


def test_a_scheme_that_cannot_be_checked_first(detector_config):
    text = refused(detector_config('s3://bucket/resnet18.pth'))
    assert 's3://bucket/resnet18.pth: cannot be read strictly; download the file' in text


def test_a_download_that_fails(detector_config, monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    text = refused(detector_config('http://127.0.0.1:9/resnet18.pth'))
    assert 'could not be downloaded' in text and '--backbone FILE' in text


def test_torchvision_weights_are_known_to_be_rgb_and_normalised(detector_config, monkeypatch, save,
                                                               tmp_path, start):
    """The file lies in PyTorch's cache under the name of its address, as if it was downloaded."""
    from mmengine.runner.checkpoint import get_torchvision_models
    from torchvision.models import ResNet18_Weights

    from mmresizemix.files import file_sha256
    from mmresizemix.transfer import stamp
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    (tmp_path / 'hub/checkpoints').mkdir(parents=True)
    path = tmp_path / 'hub/checkpoints' / get_torchvision_models()['resnet18'].rpartition('/')[2]
    torch.save(state_of(full=True), path)
    full = {'model.backbone.base_channels': 64}
    assert record_of(start(detector_config('torchvision://resnet18', **full)))['method'] is None, 'the digest is another'
    digits = file_sha256(path)[:8]
    monkeypatch.setattr(stamp, 'published', lambda: {digits: ('resnet18', ResNet18_Weights.IMAGENET1K_V1)})
    assert record_of(start(detector_config('torchvision://resnet18', **full)))['method'] == 'torchvision-imagenet1k_v1'
    bad = detector_config('torchvision://resnet18',
                          **full, **{'model.data_preprocessor.bgr_to_rgb': False})
    assert 'channel order' in refused(bad)
    assert 'no such weights' in refused(detector_config('torchvision://resnet19'))


# Resuming


def test_resuming_with_another_backbone(exported, save, detector_config, tmp_path):
    cfg = detector_config(exported, **THREE_STAGES)
    Runner.from_cfg(cfg).train()
    cfg.merge_from_dict({'resume': True, 'train_cfg.max_epochs': 2})
    Runner.from_cfg(cfg).train()  # the file is the same, so the run goes on
    other = save(as_mmpretrain(state_of(seed=9)), 'other.pth')
    export_backbone(other, exported)
    cfg.merge_from_dict({'train_cfg.max_epochs': 3})
    runner = Runner.from_cfg(cfg)
    with pytest.raises(BackboneError, match='began with another backbone'):
        runner.train()


def test_the_command(exported, detector_config, scenes, tool, tmp_path):
    settings = dict(environment=dict(MMRESIZEMIX_DEMO_DATA=str(scenes)))
    thin = [f'{key}={value}'.replace(' ', '') for key, value in SSD96.items()]
    common = (THREE_STAGES['config'], '--work-dir', tmp_path / 'cli',
              '--backbone', exported, '--cfg-options', 'train_cfg.max_epochs=1',
              'train_cfg.val_interval=1', *thin)
    done = tool('train', *common, **settings)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / 'cli/backbone.json').is_file() and (tmp_path / 'cli/epoch_1.pth').is_file()
    done = tool('train', *common, 'model.data_preprocessor.bgr_to_rgb=False', **settings)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(
        'error: BackboneGuard: ') and 'channel order' in done.stderr
    done = tool('test', common[0], tmp_path / 'cli/epoch_1.pth', '--work-dir', tmp_path / 'cli',
                '--cfg-options', *thin, **settings)
    assert done.returncode == 0 and 'coco/bbox_mAP: ' in done.stdout


def test_resuming_where_there_is_nothing_to_resume_is_a_start_like_any(exported, detector_config,
                                                                       start):
    cfg = detector_config(exported)
    cfg.resume = True
    record = record_of(start(cfg))
    assert record['tensors_equal'] > 0, 'proved, as without resume'


def test_a_detector_that_does_not_normalise(exported, detector_config):
    cfg = detector_config(exported)
    cfg.model.data_preprocessor.update(mean=None, std=None)
    assert 'does not normalise its pictures' in refused(cfg)


def test_one_file_has_one_digest_in_every_detector(save, detector_config, start):
    path = save(state_of())
    four, three = (record_of(start(detector_config(path, **d))) for d in ({}, THREE_STAGES))
    assert four['digest'] == three['digest']


# Any backbone: the guard accepts a file if and only if the backbone gets its tensors

CONVNEXT = dict(type='mmpretrain.ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[8, 8, 16, 16]),
                out_indices=[0, 1, 2, 3], gap_before_final_norm=False)
SWIN = dict(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=4)
BACKBONES = {
    'ResNet': (dict(type='ResNet', depth=18, base_channels=8, stem_channels=8), dict(out_indices=(0, 1, 2, 3))),
    'ResNet of MMPretrain': (dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8),
                             dict(out_indices=(0, 1, 2, 3))),
    'ConvNeXt': ({k: v for k, v in CONVNEXT.items() if k in ('type', 'arch')}, CONVNEXT),
    'Swin of MMDetection': (dict(type='mmdet.SwinTransformer', **SWIN), {}),
    'MobileNetV2': (dict(type='mmpretrain.MobileNetV2', widen_factor=0.25), dict(out_indices=(1, 2, 4, 6))),
}
FORMS = ('exported', 'exported with a prefix', 'checkpoint', 'checkpoint, and init_cfg has the prefix',
         'exported, and init_cfg has a prefix')


def detector_with(settings, checkpoint, prefix=None):
    """Build what the guard looks at: a model with a backbone that is to start from ``checkpoint``."""
    from mmdet.registry import MODELS
    init_cfg = dict(type='Pretrained', checkpoint=str(checkpoint), **(dict(prefix=prefix) if prefix else {}))
    model = torch.nn.Module()
    cfg = Config(dict(default_scope='mmdet', model=dict(backbone=dict(settings, init_cfg=init_cfg))))
    model.backbone = MODELS.build(cfg.model.backbone)
    return model, cfg


def trained(settings):
    """Return a checkpoint of a classifier with random weights."""
    config = f"default_scope = 'mmpretrain'\nmodel = dict(type='ImageClassifier', backbone={settings!r})"
    return dict(meta=dict(cfg=config), state_dict={
        **{f'backbone.{k}': v for k, v in drawn(settings, 'mmpretrain').items()}, 'head.fc.weight': torch.ones(2, 8)})


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('name', BACKBONES)
def test_a_file_is_accepted_if_and_only_if_its_tensors_arrive(name, form, save, tmp_path):
    pretrained, more = BACKBONES[name]
    content = trained({**pretrained, 'type': pretrained['type'].replace('ResNet', 'mmdet.ResNet').replace(
        'mmpretrain.mmdet', 'mmpretrain')})
    weights = {k.removeprefix('backbone.'): v for k, v in content['state_dict'].items() if k != 'head.fc.weight'}
    file = save(content)
    prefix = 'backbone.' if 'init_cfg' in form else None
    if form.startswith('exported'):
        export_backbone(file, tmp_path / 'out.pth', add_prefix='with a prefix' in form)
        file = tmp_path / 'out.pth'
    settings = {**pretrained, **more}
    try:
        found = read_backbone_file(*detector_with(settings, file, prefix))
    except BackboneError:
        found = None
    # What the guard expects must be what happens.
    model, _ = detector_with(settings, file, prefix)
    try:
        model.backbone.init_weights()
        now = model.backbone.state_dict()
        arrived = all(torch.equal(now[k], weights[k]) for k in now if k in weights)
    except (AssertionError, IndexError):  # MMEngine and Swin find no name with the prefix that they expect
        arrived = False
    # MMDetection's Swin reads files by itself, and takes names with 'backbone.' in front only.
    by_itself = name == 'Swin of MMDetection'
    assert arrived == (form == 'checkpoint, and init_cfg has the prefix' or (form == 'exported' and not by_itself) or (
        form in ('exported with a prefix', 'checkpoint') and by_itself))
    assert (found is not None) == arrived
    if found:
        assert set(found.added) == set(now) - set(weights) and found.digest


DCN = dict(dcn=dict(type='DCNv2', deform_groups=1, fallback_on_stride=False), stage_with_dcn=(False, True, True, True))
TRUNCATED = {
    'EfficientNet': (dict(type='mmdet.EfficientNet', arch='b0'), dict(out_indices=(3, 4, 5)), 'layers.3.'),
    'EfficientNet, all outputs': (dict(type='mmdet.EfficientNet', arch='b0'), dict(out_indices=(3, 4, 6)), 'layers.4.'),
    'PVT': (dict(type='mmdet.PyramidVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1]),
            dict(out_indices=(0, 1, 2, 3)), 'layers.3.'),
    'ConvNeXt': (dict(CONVNEXT, type='mmpretrain.ConvNeXt', out_indices=-1), CONVNEXT, 'stages.3.'),
    'norm of the last output': (dict(CONVNEXT, out_indices=-1), CONVNEXT, 'norm3.'),
    'ResNet with a plugin': (
        dict(type='mmdet.ResNet', depth=50, base_channels=8, stem_channels=8),
        dict(plugins=[dict(cfg=dict(type='ContextBlock', ratio=1 / 4), stages=(False, True, True, True),
                           position='after_conv3')]), 'layer4.'),
}


@pytest.mark.parametrize('name', TRUNCATED)
def test_a_stage_is_never_what_a_detector_adds(name, save, tmp_path):
    pretrained, more, gone = TRUNCATED[name]
    content = trained(pretrained)
    file = save({k.removeprefix('backbone.'): v for k, v in content['state_dict'].items()})
    whole = read_backbone_file(*detector_with({**pretrained, **more}, file))
    assert bool(whole.added) == ('norm0' in str(whole.added) or 'context_block' in str(whole.added))
    file = save({k.removeprefix('backbone.'): v for k, v in content['state_dict'].items() if f'.{gone}' not in k})
    with pytest.raises(BackboneError, match='missing in the file'):
        read_backbone_file(*detector_with({**pretrained, **more}, file))


def test_a_detector_may_have_layers_of_ones_own(save, monkeypatch):
    from mmcv.cnn.bricks import ContextBlock
    from mmengine.registry import MODELS
    plain = dict(type='mmdet.ResNet', depth=50, base_channels=8, stem_channels=8)
    own = type('OwnBlock', (ContextBlock, ), dict(__module__='somewhere.of_the_user'))
    monkeypatch.setitem(MODELS.module_dict, 'OwnBlock', own)
    plugin = dict(cfg=dict(type='OwnBlock', ratio=1 / 4), stages=(False, False, False, True), position='after_conv3')
    file = save({k.removeprefix('backbone.'): v for k, v in trained(plain)['state_dict'].items()})
    added = read_backbone_file(*detector_with(dict(plain, plugins=[plugin]), file)).added
    assert added and all('layer4.' in name and 'context_block' in name for name in added)


def with_architecture(path, architecture):
    """Write another architecture into the stamp of an exported file. The tensors stay those of the digest."""
    content = torch.load(path)
    content['meta']['mmresizemix_backbone']['architecture'] = architecture
    torch.save(content, path)
    return path


THIN = dict(type='ResNet', depth=18, base_channels=8)


def test_a_name_in_a_stamp_runs_nothing(exported, tmp_path):
    marker = tmp_path / 'ran'
    for act in (dict(type='os.makedirs', name=str(marker)), dict(type='pathlib.Path.mkdir', self=str(marker)),
                dict(type='GELU', _scope_='os')):
        with_architecture(exported, dict(type='SwinTransformer', norm_cfg=act))
        assert 'architecture' in read_backbone_file(*detector_with(THIN, exported)).unproved
    assert not marker.exists()


def test_architectures_that_hold_themselves_are_refused_in_one_line(exported):
    loop = dict(type='ResNet')
    loop['more'] = [loop]
    with pytest.raises(BackboneError, match='stamp is damaged: architecture') as error:
        read_backbone_file(*detector_with(THIN, with_architecture(exported, loop)))
    assert '\n' not in str(error.value)


def test_a_stamp_that_is_none_proves_nothing(exported):
    content = torch.load(exported)
    content['meta']['mmresizemix_backbone'] = None
    torch.save(content, exported)
    with pytest.raises(BackboneError, match='stamp is damaged: expected a dict'):
        read_backbone_file(*detector_with(THIN, exported))


@pytest.mark.parametrize('weight, named', [
    (torch.ones(1, 1, 1, 1).expand(8, 3, 7, 7), 'claims .* but holds 4 bytes'),
    (torch.ones(8, 3, 7, 7).to_sparse(), 'of the layout torch.sparse'),
    (torch.ones(8, 3, 7, 7, device='meta'), 'empty'),
    (torch.ones(()), 'another shape')])
def test_tensors_that_a_backbone_cannot_have(weight, named, save):
    with pytest.raises(BackboneError, match=named):
        read_backbone_file(*detector_with(THIN, save(dict(state_of(), **{'conv1.weight': weight}))))


@pytest.mark.parametrize('more, named', [
    ({('a', 1): torch.ones(1)}, 'no text'), ({7: torch.ones(1)}, 'no text'),
    ({'module.conv1.weight': torch.ones(1)}, 'conv1.weight and module.conv1.weight')])
def test_names_that_no_checkpoint_has(more, named, save):
    with pytest.raises(BackboneError, match=named):
        read_backbone_file(*detector_with(THIN, save({**state_of(), **more})))


def test_wrapped_names_arrive_as_in_mmengine(save):
    """MMEngine takes 'module.' from names only where init_cfg has no prefix."""
    wrapped = save({f'module.{k}': v for k, v in state_of().items()})
    assert read_backbone_file(*detector_with(THIN, wrapped)).tensors
    assert read_backbone_file(*detector_with(THIN, wrapped, 'module')).tensors
    inside = save({f'module.backbone.{k}': v for k, v in state_of().items()})
    assert read_backbone_file(*detector_with(THIN, inside, 'module.backbone')).tensors
    with pytest.raises(BackboneError, match='no tensor of the file begins with'):
        read_backbone_file(*detector_with(THIN, inside, 'backbone'))


def test_an_architecture_by_its_name_equals_the_one_that_is_spelled_out(save, tmp_path):
    pretrained = dict(type='ConvNeXt', arch=dict(depths=[2, 2, 6, 2], channels=[40, 80, 160, 320]))
    export_backbone(save(trained(pretrained)), tmp_path / 'out.pth')
    detector = dict(CONVNEXT, arch='atto')
    assert read_backbone_file(*detector_with(detector, tmp_path / 'out.pth')).added


def test_the_names_of_the_other_package_are_told(save, tmp_path):
    pretrained = dict(type='ResNetV1d', depth=50, base_channels=8, stem_channels=8)
    file = save(trained(pretrained))
    export_backbone(file, tmp_path / 'out.pth')
    theirs = dict(pretrained, type='mmpretrain.ResNetV1d')
    with pytest.raises(BackboneError, match="has MMDetection's names in the file.* MMPretrain's ResNetV1d"):
        read_backbone_file(*detector_with(theirs, tmp_path / 'out.pth'))
    with pytest.raises(BackboneError, match="has MMPretrain's names in the file.*MMDetection's class"):
        read_backbone_file(*detector_with(dict(pretrained, type='mmdet.ResNetV1d'), file, 'backbone.'))


def pretrained_by(kind):
    from mmengine.model import PretrainedInit
    return dict(type=PretrainedInit if kind is None else kind, checkpoint='some.pth')


@pytest.mark.parametrize('kind', ['Pretrained', 'mmengine.Pretrained', 'PretrainedInit', None])
@pytest.mark.parametrize('where', ['backbone', 'detector', 'stage'])
def test_no_file_is_loaded_from_scratch_by_whatever_name(kind, where):
    model, _ = detector_with(dict(THIN, norm_eval=False), 'x')
    model.backbone.init_cfg = None
    check_from_scratch(model)
    part = {'backbone': model.backbone, 'detector': model, 'stage': model.backbone.layer1}[where]
    part.init_cfg = pretrained_by(kind)
    with pytest.raises(BackboneError, match=r'init_cfg loads some.pth'):
        check_from_scratch(model)


def test_random_parameters_that_are_never_trained():
    model, _ = detector_with(dict(THIN, norm_eval=False, norm_cfg=dict(type='BN', requires_grad=False)), 'x')
    model.backbone.init_cfg = None
    with pytest.raises(BackboneError, match='40 random parameters would never be trained'):
        check_from_scratch(model)


def test_load_from_is_no_random_start(detector_config, tmp_path):
    cfg = scratch(detector_config(None, **SCRATCH))
    cfg.load_from = str(tmp_path / 'detector.pth')
    assert 'load_from=' in refused(cfg)


def test_every_rank_learns_of_any_error(monkeypatch):
    from mmresizemix.transfer import guard
    sent = []
    monkeypatch.setattr(guard, 'all_gather_object', lambda text: [*sent, text])

    def full(runner):
        raise OSError(28, 'No space left on device')

    with pytest.raises(OSError, match='No space left'):
        guard._on_every_rank(full, None)
    sent.append('BackboneGuard: OSError: No space left')
    with pytest.raises(BackboneError, match='No space left'):
        guard._on_every_rank(lambda runner: None, None)
