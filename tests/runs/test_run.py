"""Finding runs and reading them; what is none, or is broken, is said with its reason."""
import json
import os

import pytest
from result_samples import drawn_detections, drawn_truth, write_run

from mmresizemix.runs import read_runs
from mmresizemix.runs.learning_rate_choice import LearningRateChoice


def reasons(faults):
    return [f.reason for f in faults]


def test_every_fact_of_a_run(tmp_path):
    truth = drawn_truth()
    write_run(tmp_path / 'a/b/run', seed=3, truth=truth, detections=drawn_detections(truth))
    [run], faults = read_runs([tmp_path])
    assert faults == []
    assert (run.origin.method, run.origin.verified, run.origin.pretraining) == ('resizemix', True, 'digest of resizemix')
    assert (run.config.model, run.config.kind, run.config.dataset) == ('Faster R-CNN', 'COCO', 'small')
    assert (run.seed, run.epoch, run.origin.top1, run.config.name) == (3, 2, 76.0, 'frcnn')
    assert (run.provenance.hours, run.provenance.images_per_second, run.provenance.peak_memory) == (2, 4, 2)
    assert run.provenance.versions['PyTorch'] == '2.15.0' and not run.config.rounded
    assert run.curve[1] == pytest.approx(run.curve[2] / 2) and run.primary == 'AP'
    assert run.kept.truth.name == 'truth.json' and run.kept.detections.name == 'epoch_2.bbox.json'


def test_a_run_that_knows_nothing_of_us(tmp_path):
    """MMDetection's own metric, rounded, its own dump, its own weights: read, marked as such."""
    write_run(tmp_path / 'run', method=None, metric='CocoMetric',
              more=", outfile_prefix='work_dirs/x/val'")
    (tmp_path / 'run' / 'val.bbox.json').write_text('[]')
    [run], faults = read_runs([tmp_path])
    assert faults == [] and not run.origin.verified and run.config.rounded
    assert run.origin.method == 'resnet50 (unverified)' and run.origin.pretraining == 'torchvision://resnet50'
    assert run.kept.detections.name == 'val.bbox.json' and run.kept.truth is None
    [run], _ = read_runs([tmp_path], annotations=tmp_path / 'elsewhere.json')
    assert run.kept.truth == tmp_path / 'elsewhere.json'


def test_a_later_test_says_how_it_was_tested_and_not_what_was_trained(tmp_path):
    run = write_run(tmp_path / 'run', lr=0.02)
    before = read_runs([run])[0][0]
    trained = (run / '20260101_000000/vis_data/config.py').read_text()
    test = run / '20260102_000000'
    (test / 'vis_data').mkdir(parents=True)
    (test / 'vis_data/config.py').write_text(
        trained.replace('lr=0.02', 'lr=1').replace('BackboneGuard', 'FrozenBackboneHook')
        + "test_evaluator = dict(type='CocoMetric', outfile_prefix='x/tested')\n")
    (run / 'tested.bbox.json').write_text('[]')
    [found], faults = read_runs([run])
    assert faults == [] and found.settings == before.settings and found.config.model == 'Faster R-CNN'
    assert found.kept.detections.name == 'tested.bbox.json' and before.kept.detections is None


def test_the_best_epoch_is_the_primary_metrics(tmp_path):
    run = write_run(tmp_path / 'run', epochs=3)
    log = run / '20260101_000000/vis_data/scalars.json'
    log.write_text(log.read_text() + '{"coco/bbox_mAP": 0.01, "step": 3}\n')
    assert [read_runs([tmp_path], which)[0][0].epoch for which in ('last', 'best')] == [3, 2]


@pytest.mark.parametrize('spoil, reason, bad', [
    (dict(reached=1, epochs=3), 'not finished: evaluated at epoch 1 of 3', False),
    (dict(loss='NaN'), 'its loss is NaN from epoch 1 on', True),
    (dict(ap=float('nan')), 'its AP is NaN at epoch 2', True),
])
def test_runs_that_do_not_count(tmp_path, spoil, reason, bad):
    write_run(tmp_path / 'run', **spoil)
    runs, [fault] = read_runs([tmp_path])
    assert runs == [] and fault.reason == reason and fault.bad is bad


def break_config(run):
    (run / '20260101_000000/vis_data/config.py').unlink()


def break_log(run):
    log = run / '20260101_000000/vis_data/scalars.json'
    log.write_text(log.read_text() + '{"coco/bbox_mAP": 0.')


def break_record(run):
    (run / 'backbone.json').write_text('{"method"')


def no_metric(run):
    (run / '20260101_000000/vis_data/scalars.json').write_text('{"loss": 1.0, "epoch": 1}\n')


def nothing_detected(run):
    """MMDetection's CocoMetric then logs a validation that has no metric."""
    log = run / '20260101_000000/vis_data/scalars.json'
    lines = [line for line in log.read_text().splitlines() if 'coco/' not in line]
    log.write_text('\n'.join([*lines, '{"data_time": 0.003, "time": 0.7, "step": 2}']) + '\n')


def other_scope(run):
    config = run / '20260101_000000/vis_data/config.py'
    config.write_text(config.read_text().replace("'mmdet'", "'mmsegmentation'"))


@pytest.mark.parametrize('spoil, reason, bad, counts', [
    (break_config, 'has no config', True, False),
    (break_log, 'scalars.json:5: a line that is not complete json', True, True),
    (break_record, 'backbone.json: not json, or cut off', True, False),
    (no_metric, 'was never evaluated', False, False),
    (nothing_detected, 'its validation of epoch 2 gave no metric: nothing was', True, False),
    (other_scope, 'a run of mmsegmentation, not of a detector', False, False),
])
def test_what_is_broken_is_said_in_one_line(tmp_path, spoil, reason, bad, counts):
    spoil(write_run(tmp_path / 'broken'))
    write_run(tmp_path / 'whole', method='cutmix')
    runs, [fault] = read_runs([tmp_path])
    assert len(runs) == 1 + counts and reason in fault.reason and fault.bad is bad
    assert fault.folder.name == 'broken' and '\n' not in fault.reason


def test_trials_of_learning_rates_are_no_runs(tmp_path):
    write_run(tmp_path / 'run')
    write_run(tmp_path / 'run/learning_rates/0.1')
    assert len(read_runs([tmp_path])[0]) == 2, 'a folder of this name may be anything'
    LearningRateChoice((0.1, 0.2), 0.1, 0).write(tmp_path / 'run')
    [run], faults = read_runs([tmp_path])
    assert run.folder == (tmp_path / 'run').resolve() and faults == []


def test_folders_that_hold_no_run(tmp_path):
    (tmp_path / 'empty').mkdir()
    runs, faults = read_runs([tmp_path / 'empty', tmp_path / 'absent'])
    assert runs == [] and [f.folder.name for f in faults] == ['empty', 'absent']
    assert 'holds no run' in faults[0].reason and faults[1].reason == 'no such folder'


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists('/usr/sbin/runuser'),
                    reason='root may read everything')
def test_a_folder_without_permission(tmp_path, monkeypatch):
    write_run(tmp_path / 'open')
    closed = tmp_path / 'closed'
    closed.mkdir()
    closed.chmod(0)
    if os.geteuid() == 0:  # root may read everything: let the system call fail as it would
        real = os.scandir

        def refuse(path):
            if os.fspath(path).endswith('closed'):
                raise PermissionError(13, 'Permission denied', os.fspath(path))
            return real(path)

        monkeypatch.setattr(os, 'scandir', refuse)
    runs, faults = read_runs([tmp_path])
    assert len(runs) == 1 and reasons(faults) == ['cannot be read (Permission denied)']


def test_a_config_that_carries_code_runs_none(tmp_path):
    run = write_run(tmp_path / 'run')
    config = run / '20260101_000000/vis_data/config.py'
    config.write_text(config.read_text() + f'\nimport os\nos.mkdir({str(tmp_path / "ran")!r})\n')
    assert len(read_runs([tmp_path])[0]) == 1 and not (tmp_path / 'ran').exists()


def test_a_link_to_itself_ends(tmp_path):
    write_run(tmp_path / 'run')
    (tmp_path / 'loop').symlink_to(tmp_path)
    assert len(read_runs([tmp_path, tmp_path])[0]) == 1


def test_the_index_of_detections_must_be_whole(tmp_path):
    truth = drawn_truth()
    run = write_run(tmp_path / 'run', truth=truth, detections=drawn_detections(truth))
    index = run / 'detections/index.json'
    index.write_text(json.dumps(dict(json.loads(index.read_text()), format=99)))
    runs, [fault] = read_runs([tmp_path])
    assert runs == [] and 'format 99, this version reads 1' in fault.reason
