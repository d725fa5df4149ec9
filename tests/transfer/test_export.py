"""Tests that every layout gives the same file, and tests of the stamp and of what is refused."""
import hashlib
import json

import pytest
import torch
import torchvision
from mmengine.runner import load_checkpoint as mmengine_load
from transfer_samples import as_mmpretrain, state_of

from mmresizemix.transfer import CheckpointError, export_backbone, load_checkpoint
from mmresizemix.transfer.sources import read_layout
from mmresizemix.transfer.stamp import FORMAT, Stamp, digest, facts_of_config


def prefixed(state, prefix):
    return {prefix + k: v for k, v in state.items()}


LAYOUTS = {
    'mmpretrain': as_mmpretrain,
    'torchvision': lambda state: state,
    'timm': lambda state: dict(state_dict=state, arch='resnet18', epoch=3),
    'data parallel': lambda state: dict(state_dict=prefixed(state, 'module.')),
    'torchvision reference': lambda state: dict(model=state, epoch=3),
    'compiled': lambda state: dict(state_dict=prefixed(state, '_orig_mod.')),
}


@pytest.mark.parametrize('layout', LAYOUTS)
def test_every_layout_gives_the_same_tensors(layout, save, tmp_path):
    state = state_of()
    stamp = export_backbone(save(LAYOUTS[layout](state)), tmp_path / 'out.pth')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    backbone = {k: v for k, v in state.items() if not k.startswith('fc.')}
    assert set(written) == set(backbone)
    assert all(torch.equal(written[k], v) for k, v in backbone.items())
    assert stamp.depth == 18 and stamp.digest == digest(backbone)


def shapes_of(network, **settings):
    """Return a torchvision network's tensors, of which nothing was ever written into memory."""
    with torch.device('meta'):
        state = getattr(torchvision.models, network)(**settings).state_dict()
    return {k: torch.empty(v.shape, dtype=v.dtype) for k, v in state.items()}


@pytest.mark.parametrize('network, settings', [
    *((f'resnet{depth}', dict(type='ResNet', depth=depth)) for depth in (18, 34, 50, 101, 152)),
    ('resnext50_32x4d', dict(type='ResNeXt', depth=50, groups=32, width_per_group=4)),
    ('resnext101_64x4d', dict(type='ResNeXt', depth=101, groups=64, width_per_group=4)),
    ('convnext_tiny', dict(type='ConvNeXt', arch=dict(depths=[3, 3, 9, 3], channels=[96, 192, 384, 768]))),
])
def test_what_the_names_and_shapes_of_tensors_tell(network, settings):
    assert read_layout(shapes_of(network)).settings == settings


def test_exporting_again_keeps_the_stamp(exported, tmp_path):
    again = export_backbone(exported, tmp_path / 'again.pth')
    first = load_checkpoint(exported)['meta']['mmresizemix_backbone']
    assert again.to_dict() == first


def test_half_precision_is_written_as_float32(save, tmp_path):
    state = {k: v.half() if v.is_floating_point() else v for k, v in state_of().items()}
    export_backbone(save(state), tmp_path / 'out.pth')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert torch.equal(written['conv1.weight'], state['conv1.weight'].float())


def test_it_loads_in_a_detector_without_a_warning(exported, caplog):
    from mmdet.models.backbones import ResNet
    backbone = ResNet(18, base_channels=8)
    mmengine_load(backbone, str(exported), map_location='cpu')
    tensors = load_checkpoint(exported)['state_dict']
    assert all(torch.equal(v, tensors[k]) for k, v in backbone.state_dict().items())
    assert 'do not match' not in caplog.text


def ema_layouts(average, raw):
    return {
        # MMEngine's EMAHook swaps the two before saving. A test below checks this on a real run.
        'mmengine': dict(state_dict=prefixed(average, 'backbone.'),
                         ema_state_dict=dict(prefixed(raw, 'module.backbone.'),
                                             steps=torch.tensor(3))),
        'timm': dict(state_dict=raw, state_dict_ema=average),
        'torchvision': dict(model=raw, model_ema=dict(prefixed(average, 'module.'),
                                                      n_averaged=torch.tensor(3))),
    }


@pytest.mark.parametrize('layout', ['mmengine', 'timm', 'torchvision'])
def test_the_moving_average_by_default_and_the_raw_weights_on_request(layout, save):
    average, raw = state_of(seed=1), state_of(seed=2)
    content = load_checkpoint(save(ema_layouts(average, raw)[layout]))
    for expected, is_raw, name in ((average, False, 'ema'), (raw, True, 'raw')):
        backbone = read_layout(content, raw=is_raw)
        assert torch.equal(backbone.tensors['conv1.weight'], expected['conv1.weight'])
        assert backbone.weights == name


def test_where_mmengines_ema_hook_really_puts_the_average(tmp_path):
    """The run is real: the weights move, and the average lags behind."""
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    class Model(BaseModel):

        def __init__(self):
            super().__init__()
            self.backbone = torch.nn.Linear(1, 1, bias=False)
            torch.nn.init.zeros_(self.backbone.weight)

        def forward(self, inputs, data_samples=None, mode='loss'):
            return dict(loss=-self.backbone.weight.sum())

    model = Model()
    Runner(model, str(tmp_path), train_dataloader=dict(
        dataset=[dict(inputs=torch.zeros(1))] * 4, batch_size=1,
        sampler=dict(type='DefaultSampler', shuffle=False)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
        custom_hooks=[dict(type='EMAHook', momentum=0.5)], experiment_name='ema').train()
    content = load_checkpoint(tmp_path / 'epoch_1.pth')
    average, raw = (read_layout(content, raw, expected=dict(weight=None)).tensors['weight'].item()
                    for raw in (False, True))
    assert raw == pytest.approx(4.0) and 0 < average < raw


def test_raw_without_an_average_is_refused(save, tmp_path):
    with pytest.raises(CheckpointError, match='no moving average; leave out --raw'):
        export_backbone(save(state_of()), tmp_path / 'out.pth', raw=True)


def without(state, name):
    return {k: v for k, v in state.items() if k != name}


def with_nan(state):
    state['layer3.1.conv2.weight'][0, 0] = float('nan')
    return state


def deep_stem(state):
    return {k.replace('conv1.weight', 'stem.0.weight') if k == 'conv1.weight' else k: v
            for k, v in state.items()}


REFUSED = {
    'without a first convolution': lambda: deep_stem(state_of()),
    'a wide ResNet .128 channels': lambda: shapes_of('wide_resnet50_2'),
    'tensors missing .*layer2.0.bn1.weight': lambda: without(state_of(), 'layer2.0.bn1.weight'),
    'blocks of no known ResNet': lambda: {k: v for k, v in state_of().items() if 'layer4' not in k},
    'layer3.1.conv2.weight holds NaN': lambda: with_nan(state_of()),
    'foreign tensors .*se.weight': lambda: dict(state_of(), **{'layer1.0.se.weight': torch.ones(1)}),
    'foreign tensors .conv2.weight': lambda: dict(state_of(), **{'conv2.weight': torch.ones(1)}),
    'no tensors; the top-level keys are .*meta': lambda: dict(meta=dict(epoch=1)),
    'known by its names alone, such as block.weight': lambda: {'block.weight': torch.ones(1)},
    "its own words name the network 'resnetaa18.in1k'": lambda: dict(state_dict=state_of(), arch='resnetaa18.in1k'),
    'bn1.running_var holds a variance below 0': lambda: dict(state_of(), **{'bn1.running_var': -torch.ones(8)}),
    'tensors of torch.int8': lambda: dict(state_of(), **{'conv1.weight': torch.ones(8, 3, 7, 7, dtype=torch.int8)}),
    'of torch.complex64': lambda: dict(state_of(), **{'conv1.weight': torch.ones(8, 3, 7, 7, dtype=torch.cfloat)}),
    'conv1.weight is of the layout torch.sparse': lambda: dict(
        state_of(), **{'conv1.weight': torch.ones(8, 3, 7, 7).to_sparse()}),
    'conv1.weight claims .* but holds 4 bytes': lambda: dict(
        state_of(), **{'conv1.weight': torch.ones(1, 1, 1, 1).expand(8, 3, 7, 7)}),
    "two tensors have the name 'conv1.weight'": lambda: dict(
        state_of(), **{'module.conv1.weight': torch.ones(8, 3, 7, 7)}),
    'foreign tensors .7, ': lambda: {**state_of(), 7: torch.ones(1), ('a', 'b'): torch.ones(1)},
    'conv1.weight .. instead of|a first convolution': lambda: dict(state_of(), **{'conv1.weight': torch.ones(())}),
    'cannot be read as a checkpoint .IndexError': lambda: {
        'downsample_layers.0.0.weight': torch.ones(1), 'stages.0.0.dwconv.weight': torch.ones(())},
    'stamp is damaged: expected a dict, got a NoneType': lambda: dict(
        meta=dict(mmresizemix_backbone=None), state_dict=state_of()),
    'conv1.weight is empty .on the meta device': lambda: dict(
        state_of(), **{'conv1.weight': torch.ones(8, 3, 7, 7, device='meta')}),
    "several backbones, whose names begin with 'encoder_q.', 'encoder_k.'; .*--prefix": lambda: {
        **prefixed(state_of(), 'module.encoder_q.'), **prefixed(state_of(), 'module.encoder_k.')},
}


@pytest.mark.parametrize('named', REFUSED)
def test_what_is_not_one_whole_backbone_is_refused_by_name(named, save, tmp_path):
    with pytest.raises(CheckpointError, match=named) as error:
        export_backbone(save(REFUSED[named]()), tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists() and '\n' not in str(error.value)


def test_the_stamp_of_an_mmpretrain_checkpoint(save, tmp_path):
    path = save(as_mmpretrain(state_of()))
    log = tmp_path / '20260101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(json.dumps({'accuracy/top1': 70.0 + e, 'step': e}) + '\n'
                           for e in (1, 2, 3, 4)))
    stamp = export_backbone(path, tmp_path / 'out.pth')
    assert (stamp.method, stamp.style, stamp.channels) == ('resizemix', 'pytorch', 'RGB')
    assert stamp.mean == (123.675, 116.28, 103.53) and stamp.std == (58.395, 57.12, 57.375)
    assert stamp.top1 == 73.0 and 'scalars.json' in stamp.top1_from, 'of the epoch that was saved'
    assert len(stamp.source_sha256) == 64 and stamp.layout == 'mmpretrain'
    assert set(stamp.proved_by.values()) == {'config'} and len(stamp.settings) == 12


def test_the_command(save, tmp_path, tool):
    path = save(as_mmpretrain(state_of()))
    done = tool('export_backbone', path, tmp_path / 'out.pth', '--method', 'mine', '--top1', '71.5')
    assert done.returncode == 0 and 'method: mine' in done.stdout and 'top1: 71.5' in done.stdout
    (tmp_path / 'cut.pth').write_bytes(path.read_bytes()[:1000])
    done = tool('export_backbone', tmp_path / 'cut.pth', tmp_path / 'no.pth')
    assert done.returncode == 1 and done.stderr.count('\n') == 1 and 'cut.pth' in done.stderr
    assert tool('export_backbone').returncode == 2


@pytest.mark.parametrize('text', [
    '', 'model = build()', 'model = "a"', 'model = dict(train_cfg=3)', 'x = ' + '-' * 200_000 + '1'
], ids=['empty', 'a call', 'a string', 'no backbone', 'too deep to parse'])
def test_a_config_that_cannot_be_read_names_no_method(text):
    assert facts_of_config(text) == {}, 'unknown, and above all not "baseline"'


TO_RED_FIRST = [dict(type='NumpyToPIL', to_rgb=True), dict(type='PILToNumpy')]


@pytest.mark.parametrize('dataset, to_rgb, seen', [
    (dict(type='ImageNet'), True, 'RGB'), (dict(type='ImageNet'), False, 'BGR'),
    (dict(type='CIFAR10'), False, 'RGB'), (dict(type='mmpretrain.CIFAR100'), True, 'BGR'),
    (dict(type='RepeatDataset', times=2, dataset=dict(type='CIFAR10')), False, 'RGB'),
    (dict(type='ImageNet', pipeline=TO_RED_FIRST), False, 'RGB'),
    (dict(type='ImageNet', pipeline=[TO_RED_FIRST[0], dict(type='PILToNumpy', to_bgr=True)]), True, 'RGB')])
def test_the_order_of_channels_is_what_the_network_sees(dataset, to_rgb, seen):
    text = f'''train_dataloader = dict(dataset={dataset!r})
model = dict(backbone=dict(type='ResNet', base_channels=8, stem_channels=8, depth=18))
data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb={to_rgb})'''
    assert facts_of_config(text)['channels'] == seen


def test_the_raw_weights_do_not_take_the_averages_accuracy(save, tmp_path):
    content = as_mmpretrain(state_of())
    content['ema_state_dict'] = {f'module.{k}': v + 1 for k, v in content['state_dict'].items()}
    (tmp_path / 'start/vis_data').mkdir(parents=True)
    (tmp_path / 'start/vis_data/scalars.json').write_text('{"accuracy/top1": 50.0, "step": 3}\n')
    path = save(content)
    average = export_backbone(path, tmp_path / 'ema.pth')
    raw = export_backbone(path, tmp_path / 'raw.pth', raw=True)
    assert (average.weights, average.top1) == ('ema', 50) and (raw.weights, raw.top1) == ('raw', None)
    written = [load_checkpoint(tmp_path / name)['state_dict']['conv1.weight'] for name in ('ema.pth', 'raw.pth')]
    assert torch.equal(written[0] + 1, written[1])


@pytest.mark.parametrize('settings, named', [
    (dict(method='cutmix'), "method: got 'cutmix', but the config in .* says 'resizemix'"),
    *((dict(method=name), "method: got .*but the config in .* says 'resizemix'") for name in (
        'baseline', 'resizemix-persample', 'fmix', 'puzzlemix', 'mmpretrain-resizemix')),
    (dict(method='a\nb'), 'method: expected a short text'),
    (dict(top1=float('nan')), 'top1: .* got nan'),
    (dict(top1=7631), 'top1: .* 0..100, got 7631'),
])
def test_what_contradicts_the_checkpoint_is_refused(save, tmp_path, settings, named):
    with pytest.raises(ValueError, match=named):
        export_backbone(save(as_mmpretrain(state_of())), tmp_path / 'out.pth', **settings)
    assert not (tmp_path / 'out.pth').exists()


def test_the_checkpoint_itself_is_never_overwritten(save):
    path = save(state_of())
    before = path.read_bytes()
    with pytest.raises(ValueError, match='is the checkpoint itself'):
        export_backbone(path, path)
    assert path.read_bytes() == before


def test_doubles_are_refused(save, tmp_path):
    state = {k: v.double() if v.is_floating_point() else v for k, v in state_of().items()}
    with pytest.raises(CheckpointError, match='float32 cannot hold exactly'):
        export_backbone(save(state), tmp_path / 'out.pth')


# Where the facts in a stamp come from


def test_a_bare_file_proves_its_tensors_and_nothing_else(save, tmp_path):
    stamp = export_backbone(save(state_of()), tmp_path / 'out.pth')
    assert (stamp.method, stamp.mean, stamp.std, stamp.channels, stamp.style) == (None, ) * 5
    assert stamp.proved_by == dict(architecture='tensors', depth='tensors')


def test_a_recipe_is_what_the_user_says(save, tmp_path):
    stamp = export_backbone(save(state_of()), tmp_path / 'out.pth', recipe='caffe', method='msra')
    assert (stamp.channels, stamp.style, stamp.std, stamp.method) == ('BGR', 'caffe', (1, 1, 1), 'msra')
    assert {stamp.proved_by[name] for name in ('channels', 'style', 'mean', 'std', 'method')} == {'given'}
    with pytest.raises(ValueError, match="recipe: 'caffe' has mean=.*proved to have"):
        export_backbone(save(as_mmpretrain(state_of())), tmp_path / 'two.pth', recipe='caffe')
    with pytest.raises(ValueError, match="recipe: expected one of torchvision, caffe, got 'timm'"):
        export_backbone(save(state_of()), tmp_path / 'two.pth', recipe='timm')


def test_a_file_that_torchvision_publishes_is_known_by_its_digest(save, tmp_path, monkeypatch):
    from mmresizemix.files import file_sha256
    from mmresizemix.transfer import stamp
    assert stamp.published()['0676ba61'][0] == 'resnet50' and stamp.published()['11ad3fa6'][0] == 'resnet50'
    path, weights = save(state_of(full=True)), torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    monkeypatch.setattr(stamp, 'published', lambda: {file_sha256(path)[:8]: ('resnet18', weights)})
    found = export_backbone(path, tmp_path / 'out.pth')
    assert (found.method, found.channels, found.style) == ('torchvision-imagenet1k_v1', 'RGB', 'pytorch')
    assert found.mean == pytest.approx((123.675, 116.28, 103.53)) and found.proved_by['mean'] == 'digest'
    # Eight digits are few: another model's file may begin with them.
    monkeypatch.setattr(stamp, 'published', lambda: {file_sha256(path)[:8]: ('resnet34', weights)})
    assert export_backbone(path, tmp_path / 'out.pth').method is None


def test_a_name_of_ones_own_and_the_first_part_of_the_configs_name(save, tmp_path):
    config = as_mmpretrain(state_of())['meta']['cfg'].replace("'mmresizemix.ResizeMix'", "'mmresizemix.ResizeMix', prob=0.5")
    path = save(as_mmpretrain(state_of(), config))
    for name in ('resizemix', 'resizemix-mine', 'resizemix(prob=0.5)'):
        assert export_backbone(path, tmp_path / 'out.pth', method=name).method == name


def test_what_is_written_is_read_again(save, tmp_path):
    path = save(state_of(), 'a\u00a0name\n.pth')
    assert export_backbone(path, tmp_path / 'out.pth').source == 'a?name?.pth'
    assert export_backbone(tmp_path / 'out.pth', tmp_path / 'again.pth').source == 'a?name?.pth'


def test_a_digest_tells_names_with_line_breaks_apart():
    one, two = torch.zeros(1), torch.ones(1)
    assert digest({'a\nb': one, 'c': two}) != digest({'a\\nb': one, 'c': two})
    assert digest({'a': one}) == hashlib.sha256(b'a torch.float32 (1,)\n' + bytes(4)).hexdigest()


@pytest.mark.parametrize('epoch, line', [
    (None, {'accuracy/top1': 50.0}), (3, {'accuracy/top1': None, 'step': 3}), (3, {'accuracy/top1': 5000, 'step': 3}),
    (3, {'accuracy/top1': float('nan'), 'step': 3})])
def test_an_accuracy_that_is_none_is_unknown(epoch, line, save, tmp_path):
    content = as_mmpretrain(state_of())
    content['meta']['epoch'] = epoch
    (tmp_path / 'start/vis_data').mkdir(parents=True)
    (tmp_path / 'start/vis_data/scalars.json').write_text(json.dumps(line) + '\n')
    assert export_backbone(save(content), tmp_path / 'out.pth').top1 is None


def test_a_detectors_checkpoint_is_named_for_what_it_is(save, tmp_path):
    config = """default_scope = 'mmdet'
model = dict(type='FasterRCNN', backbone=dict(type='ResNet', base_channels=8, stem_channels=8, depth=18, norm_eval=True, frozen_stages=1),
             data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True))"""
    stamp = export_backbone(save(as_mmpretrain(state_of(), config)), tmp_path / 'out.pth')
    assert (stamp.method, stamp.channels, stamp.layout) == ('mmdet-fasterrcnn', 'RGB', 'mmdet')


def test_an_exported_file_needs_nothing_more(exported, tmp_path):
    for more in (dict(prefix='backbone.'), dict(config=dict(model=dict(backbone=dict(type='ResNet', base_channels=8, stem_channels=8, depth=18))))):
        with pytest.raises(CheckpointError, match='exported before, and needs no (prefix|config); leave it out'):
            export_backbone(exported, tmp_path / 'out.pth', **more)


def test_a_config_of_odd_numbers_leaves_them_unknown(save, tmp_path):
    config = f"""model = dict(type='ImageClassifier', backbone=dict(type='ResNet', base_channels=8, stem_channels=8, depth=18))
data_preprocessor = dict(mean=[1{'0' * 400}], std=[1e400, -1, 1])"""
    stamp = export_backbone(save(as_mmpretrain(state_of(), config)), tmp_path / 'out.pth')
    assert stamp.mean is None and stamp.std is None and stamp.depth == 18


def test_exporting_an_exported_file_proves_it_first(exported, tmp_path):
    content = torch.load(exported)
    content['state_dict']['conv1.weight'] += 1
    content['meta']['mmresizemix_backbone'].update(method='resizemix', top1=79.0)
    torch.save(content, tmp_path / 'changed.pth')
    with pytest.raises(CheckpointError, match='not those that were exported'):
        export_backbone(tmp_path / 'changed.pth', tmp_path / 'laundered.pth')
    assert not (tmp_path / 'laundered.pth').exists()


LOOP = dict(type='ResNet')
LOOP['itself'] = LOOP


@pytest.mark.parametrize('field, value', [
    ('mean', 'abc'), ('mean', [float('nan')]), ('std', [0, 1, 1]), ('depth', '18'), ('depth', True), ('style', 5),
    ('channels', 'rgb'), ('top1', 790), ('method', ['resizemix']), ('method', 'a\x1b[31m'), ('digest', 'abc'),
    ('architecture', 'ResNet'), ('architecture', {'type': 'A', 'b': torch.ones(1)}), ('architecture', LOOP),
    ('architecture', {'type': 'A', 1: 2}), ('mean', [10**400]), ('format', True), ('format', torch.ones(2)), ('proved_by', {'mean': 'hearsay'}), ('new', 1), ('format', FORMAT + 1)])
def test_a_stamp_is_read_field_by_field(field, value):
    Stamp.from_dict(Stamp(method='x').to_dict())
    with pytest.raises(ValueError, match=f'{field}|format') as error:
        Stamp.from_dict({**Stamp().to_dict(), field: value})
    assert '\n' not in str(error.value)


def test_a_stamp_of_format_1_is_still_read(exported):
    values = torch.load(exported)['meta']['mmresizemix_backbone']
    old = {k: v for k, v in values.items() if k not in ('architecture', 'settings', 'prefix', 'proved_by')}
    stamp = Stamp.from_dict(dict(old, format=1))
    assert stamp.method == 'resizemix' and stamp.architecture is None


def test_files_that_would_fill_the_memory_are_refused_at_once(tmp_path, monkeypatch):
    import zipfile

    from mmresizemix.openmmlab import checkpoint
    assert checkpoint.MOST_PARTS >= 50_000
    monkeypatch.setattr(checkpoint, 'MOST_PARTS', 500)
    with zipfile.ZipFile(tmp_path / 'folded.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data.pkl', bytes(10**6))
    with zipfile.ZipFile(tmp_path / 'many.pth', 'w') as archive:
        for i in range(501):
            archive.writestr(f'a/{i}', b'')
    with pytest.raises(CheckpointError, match='has compressed parts .archive/data.pkl.'):
        load_checkpoint(tmp_path / 'folded.pth')
    with pytest.raises(CheckpointError, match='has 501 parts'):
        load_checkpoint(tmp_path / 'many.pth')
    number = torch.ones(())
    for count in (500, 501):  # all in one part of the file
        for zipped in (True, False):
            torch.save({str(i): number.view(()) for i in range(count)}, tmp_path / 'keys.pth',
                       _use_new_zipfile_serialization=zipped)
            if count == 500:
                assert len(load_checkpoint(tmp_path / 'keys.pth')) == 500
            else:
                with pytest.raises(CheckpointError, match='has 501 tensors; no network has so many'):
                    load_checkpoint(tmp_path / 'keys.pth')
