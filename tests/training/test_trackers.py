"""Tests of --log-to: MMEngine's own backends log beside the file that comparing reads."""
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from small_classifier import small_classifier, write_crops

from mmresizemix.openmmlab.installed import CONFIGS, read_config
from mmresizemix.runs.logs import read_log
from mmresizemix.training import trackers
from mmresizemix.training.launch import train
from mmresizemix.training.trackers import TRACKERS, log_to


def trained(work_dir: Path, tracker: str) -> list[dict]:
    """Train a few steps of the demo's classifier, and return the lines of scalars.json that are about steps."""
    train(small_classifier(write_crops(work_dir / 'scenes', 4), work_dir / 'run',
                           **{'train_cfg.max_epochs': 1, 'train_dataloader.batch_size': 8}), trackers=[tracker])
    assert read_log(work_dir / 'run').validations, 'what comparing reads is there, too'
    [log] = (work_dir / 'run').glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if 'loss' in line]
    assert len(steps) >= 3
    return steps


def test_tensorboard_has_the_numbers_of_the_log(tmp_path):
    pytest.importorskip('tensorboard', reason='needs tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    steps = trained(tmp_path, 'tensorboard')
    [events] = (tmp_path / 'run').glob('*/vis_data/events.*')
    found = EventAccumulator(str(events)).Reload()
    for name in ('loss', 'lr'):
        assert {e.step: e.value for e in found.Scalars(name)} == pytest.approx(
            {line['step']: line[name] for line in steps}, rel=1e-5)
    assert 'accuracy/top1' in found.Tags()['scalars']


def test_mlflow_has_the_numbers_of_the_log(tmp_path, monkeypatch):
    mlflow = pytest.importorskip('mlflow', reason='needs mlflow')
    # MLflow's own default, a database, takes four seconds to make, and needs packages that mlflow-skinny has not.
    monkeypatch.setenv('MLFLOW_ALLOW_FILE_STORE', 'true')
    store = (tmp_path / 'mlruns').as_uri()
    monkeypatch.setenv('MLFLOW_TRACKING_URI', store)
    monkeypatch.chdir(tmp_path)
    steps = trained(tmp_path, 'mlflow')
    client = mlflow.MlflowClient(store)
    [run] = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert (run.info.run_name, run.info.status) == ('run', 'FINISHED')
    assert run.data.params['model.backbone.depth'] == '18'
    for name in ('loss', 'lr'):
        found = {m.step: m.value for m in client.get_metric_history(run.info.run_id, name)}
        assert found == pytest.approx({line['step']: line[name] for line in steps})
    assert 'accuracy/top1' in run.data.metrics


@pytest.mark.parametrize('config', ['demo/resnet18_scenes.py', 'ssd/ssd300_r50_8xb8-24e_coco.py'])
def test_beside_what_the_config_logs_to_and_once(monkeypatch, config):
    monkeypatch.setattr(trackers, 'missing', lambda *packages: [])
    monkeypatch.setattr(trackers, '_settings_of', lambda *of: {})
    cfg = read_config(CONFIGS / config)
    cfg.work_dir = 'work_dirs/x'
    before = cfg.visualizer.to_dict()
    log_to(cfg, [*TRACKERS, 'wandb'])
    assert [one.type for one in cfg.visualizer.vis_backends] == [
        'LocalVisBackend', 'TensorboardVisBackend', 'MLflowVisBackend', 'WandbVisBackend']
    assert {**cfg.visualizer.to_dict(), 'vis_backends': before['vis_backends']} == before


def test_a_config_without_a_visualizer_keeps_the_local_log(monkeypatch):
    monkeypatch.setattr(trackers, 'missing', lambda *packages: [])
    cfg = Config(dict(work_dir='x'))
    log_to(cfg, ['tensorboard'])
    assert cfg.visualizer == dict(type='Visualizer', vis_backends=[
        dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])


def test_a_missing_package_is_named_before_anything_starts(monkeypatch):
    monkeypatch.setattr(trackers, 'missing', lambda *packages: list(packages))
    with pytest.raises(ImportError, match='--log-to wandb needs .*: pip install wandb'):
        log_to(Config(dict(work_dir='x')), ['wandb'])


def test_the_option_reaches_the_run(tool, tmp_path):
    done = tool('train', 'configs/demo/resnet18_scenes.py', '--work-dir', tmp_path, '--log-to',
                'tensorbord')
    assert done.returncode == 2 and "invalid choice: 'tensorbord'" in done.stderr
