"""Tests of the steps of a transfer study as a user runs them, on a few drawn scenes."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import Image
from thin_networks import options_for

from mmresizemix.datasets import write_scenes
from mmresizemix.metrics.detections import read_detections, read_truth
from mmresizemix.metrics.evaluation import evaluate
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.runs import read_backbone, read_metrics, read_runs
from mmresizemix.training.checkpoints import newest_checkpoint
from mmresizemix.training.options import set_backbone

ROOT = Path(__file__).resolve().parents[1]
DETECTORS = {
    'ssd96_r18_scenes-coco': 'coco/bbox_mAP',
    'faster-rcnn_r18_scenes-coco': 'coco/bbox_mAP',
    'retinanet_r18_scenes-coco': 'coco/bbox_mAP',
    'atss_r18_scenes-coco': 'coco/bbox_mAP',
    'dino_r18_scenes-coco': 'coco/bbox_mAP',
    'mask-rcnn_r18_scenes-coco': 'coco/segm_mAP',
    'mask-rcnn_convnext_scenes-coco': 'coco/segm_mAP',
    'ssd96_r18_scenes-voc': 'pascal_voc/mAP',
    'faster-rcnn_r18_scenes-voc': 'pascal_voc/mAP',
}


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('data') / 'scenes', crops=(4, 2), crop_size=48,
                        coco=(8, 4), voc=(4, 4, 4), scene_size=(96, 96))


@pytest.fixture
def environment(scenes, monkeypatch):
    monkeypatch.setenv('MMRESIZEMIX_DEMO_DATA', str(scenes))
    return dict(MMRESIZEMIX_DEMO_DATA=str(scenes))


@pytest.mark.parametrize('name', DETECTORS)
def test_detectors_train_and_evaluate_in_both_formats(name, environment, tmp_path):
    cfg = read_config(f'configs/demo/{name}.py')
    set_backbone(cfg, 'random')
    cfg.merge_from_dict({'work_dir': str(tmp_path), 'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1})
    cfg.merge_from_dict(options_for(name))
    before = Runner.from_cfg(cfg)
    weights = {k: v.clone() for k, v in before.model.state_dict().items()}
    before.train()
    assert any(not torch.equal(v, weights[k]) for k, v in before.model.state_dict().items())
    assert 0 <= read_metrics(tmp_path)[DETECTORS[name]] <= 1
    assert read_backbone(tmp_path)['method'] == 'random'
    [run], _ = read_runs([tmp_path])
    assert run.metrics.get('mask AP') == read_metrics(tmp_path).get('coco/segm_mAP')
    assert bool(run.kept.masks) == ('mask AP' in run.metrics)
    assert_detections_give_the_logged_metrics(tmp_path)


def assert_detections_give_the_logged_metrics(work_dir):
    """Check that the metrics that a laptop computes from the run's files are those that the run logged."""
    [run], faults = read_runs([work_dir])
    assert faults == [] and run.kept.detections and run.from_scratch
    truth = read_truth(run.kept.truth)
    detections = read_detections(run.kept.detections, truth)
    again = evaluate(truth, detections, voc=run.config.kind == 'VOC')
    assert len(detections) > 0 and len(truth.image_ids) == 4
    assert again.value(run.primary) == pytest.approx(run.metrics[run.primary], abs=1e-7)
    if run.config.kind == 'COCO':
        for name in ('AP', 'AP50', 'AP75'):
            assert again.value(name) == pytest.approx(run.metrics[name], abs=1e-12)
    if run.kept.masks:
        truth = read_truth(run.kept.truth, masks=True)
        again = evaluate(truth, read_detections(run.kept.masks, truth, masks=True), masks=True)
        for name, values in again.overall.items():  # the log has -1 where the set has no object of a size
            assert np.nan_to_num(values[0], nan=-1) == pytest.approx(run.metrics[f'mask {name}'], abs=1e-12)


class Interrupted(Exception):
    pass


def train(config, work_dir, resume=False, stop_before=None):
    """Train for three epochs. ``stop_before`` ends the run as an interruption would."""
    cfg = read_config(config)
    if 'scenes-' in config:
        set_backbone(cfg, 'random')
        cfg.train_cfg.val_interval = 1
    else:
        cfg.train_dataloader.collate_fn = cfg.val_dataloader.collate_fn = dict(
            type='default_collate')
    cfg.merge_from_dict({'work_dir': str(work_dir), 'train_cfg.max_epochs': 3,
                         'train_dataloader.num_workers': 2, 'resume': resume, **options_for(config)})
    runner = Runner.from_cfg(cfg)
    runner.register_hook(_StopBefore(stop_before), priority='VERY_HIGH')
    runner.train()
    return runner.model.state_dict()


class _StopBefore(Hook):

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            raise Interrupted


@pytest.mark.parametrize('config', ['resnet18-resizemix_scenes', 'faster-rcnn_r18_scenes-coco'])
def test_a_resumed_run_equals_the_uninterrupted_one(config, environment, tmp_path):
    """The runs have workers, augmentation, mixing, random proposals, and validation in between."""
    config = f'configs/demo/{config}.py'
    straight = train(config, tmp_path / 'straight')
    with pytest.raises(Interrupted):
        train(config, tmp_path / 'broken', stop_before=2)
    resumed = train(config, tmp_path / 'broken', resume=True)
    different = [k for k in straight if not torch.equal(straight[k], resumed[k])]
    assert not different


def test_the_commands_from_pictures_to_a_detector(environment, tool, tmp_path):
    """Pretrain with ResizeMix, look at the mix, export the backbone, train SSD from it, and test that."""
    def run(name, *arguments):
        done = tool(name, *arguments, environment=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    classifier = 'configs/demo/resnet18-resizemix_scenes.py'
    run('show_mix', classifier, tmp_path / 'mixed.png', '--samples', '4')
    assert (tmp_path / 'mixed.png').read_bytes().startswith(b'\x89PNG')
    run('train', classifier, '--work-dir', tmp_path / 'cls', '--seed', '3',
        '--cfg-options', 'train_cfg.max_epochs=1')
    run('train', classifier, '--work-dir', tmp_path / 'cls', '--seed', '3', '--resume',
        '--cfg-options', 'train_cfg.max_epochs=2')
    out = run('export_backbone', tmp_path / 'cls/epoch_2.pth', tmp_path / 'backbone.pth')
    assert 'method: resizemix-persample' in out and 'top1: ' in out
    detector = 'configs/demo/ssd96_r18_scenes-voc.py'
    run('train', detector, '--backbone', tmp_path / 'backbone.pth', '--work-dir', tmp_path / 'det',
        '--cfg-options', 'train_cfg.max_epochs=1', 'train_cfg.val_interval=1')
    record = json.loads((tmp_path / 'det/backbone.json').read_text())
    assert record['method'] == 'resizemix-persample' and record['digest'] in out
    out = run('test', detector, tmp_path / 'det/epoch_1.pth', '--work-dir', tmp_path / 'det')
    tested = float(out.rpartition('pascal_voc/mAP: ')[2].split()[0])
    assert tested == pytest.approx(read_metrics(tmp_path / 'det')['pascal_voc/mAP'])
    index = json.loads((tmp_path / 'det/detections/index.json').read_text())
    assert list(index['epochs']) == ['1'], 'a test is told by the epoch of its checkpoint'


def test_resuming_passes_by_a_checkpoint_that_was_cut_off(tmp_path, capsys):
    for epoch in (1, 2, 10):
        torch.save(dict(state_dict={}, meta=dict(epoch=epoch)), tmp_path / f'epoch_{epoch}.pth')
    cut = tmp_path / 'epoch_10.pth'
    cut.write_bytes(cut.read_bytes()[:100])
    assert newest_checkpoint(str(tmp_path)) == tmp_path / 'epoch_2.pth'
    assert 'epoch_10.pth' in capsys.readouterr().out
    assert newest_checkpoint(str(tmp_path / 'nowhere')) is None


@pytest.mark.parametrize('name', sorted(path.stem for path in (ROOT / 'tools').glob('*.py')))
def test_help_has_examples(name, tool):
    done = tool(name, '--help')
    assert done.returncode == 0 and '\nexamples:\n  ' in done.stdout


def test_a_backbone_for_a_classifier_is_refused_in_one_line(tool):
    done = tool('train', 'configs/demo/resnet18_scenes.py', '--backbone', 'x.pth')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('error: --backbone: expected a config of an mmdet')


def test_without_mixing_its_pictures_are_shown(environment, tool, tmp_path):
    done = tool('show_mix', 'configs/demo/resnet18_scenes.py', tmp_path / 'x.png',
                environment=environment)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / 'x.png').width > 48


def test_the_mix_of_others_is_shown_without_boxes(environment, tool, tmp_path):
    config = tmp_path / 'theirs.py'
    config.write_text(f'''_base_ = {str(ROOT / 'configs/demo/resnet18_scenes.py')!r}
model = dict(train_cfg=dict(augments=dict(type='mmpretrain.Mixup', alpha=1.0)))
''')
    done = tool('show_mix', config, tmp_path / 'x.png', environment=environment)
    assert done.returncode == 0, done.stderr
    drawn = np.asarray(Image.open(tmp_path / 'x.png').convert('L'), float)
    above, below = drawn[60:190], drawn[300:430]
    assert above.std() > 20 and below.std() > 20, 'two rows of pictures'
    assert below.std() < above.std(), 'the mean of two pictures has less contrast than they'


def test_every_tool_is_a_thin_command():
    for path in Path('tools').glob('*.py'):
        assert len(path.read_text().splitlines()) < 75, path


def test_a_bad_argument_in_a_config_is_one_line(environment, tool, tmp_path):
    done = tool('train', 'configs/demo/resnet18-resizemix_scenes.py', '--work-dir', tmp_path,
                '--cfg-options', 'model.train_cfg.augments.per=pixel', environment=environment)
    assert done.returncode == 1
    assert "per: expected one of 'sample', 'batch', got 'pixel'" in done.stderr.splitlines()[-1]
