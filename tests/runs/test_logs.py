"""Reading the logs of runs; with neither torch nor OpenMMLab."""
import json
import subprocess
import sys

from mmresizemix.runs import read_backbone, read_metrics
from mmresizemix.runs.logs import read_log


def start_of_run(work_dir, name, lines, test=None):
    logs = work_dir / name / 'vis_data'
    logs.mkdir(parents=True)
    (logs / 'scalars.json').write_text(''.join(f'{line}\n' for line in lines))
    if test is not None:
        (work_dir / name / f'{name}.json').write_text(json.dumps(test))


def test_the_last_evaluation_counts_over_several_starts(tmp_path):
    start_of_run(tmp_path, '20260101_000000', ['{"loss": 2.0, "step": 1}',
                                               '{"coco/bbox_mAP": 0.1, "step": 1}',
                                               '{"coco/bbox_mAP": 0.2, "st'])  # cut off
    assert read_metrics(tmp_path) == {'coco/bbox_mAP': 0.1}
    start_of_run(tmp_path, '20260102_000000', [], test={'coco/bbox_mAP': 0.25})
    assert read_metrics(tmp_path) == {'coco/bbox_mAP': 0.25}


def test_an_epoch_that_was_never_validated_has_no_metrics(tmp_path):
    """As after a kill in the last validation: the epoch before must not pass for it."""
    start_of_run(tmp_path, '20260101_000000', ['{"accuracy/top1": 50.0, "step": 5}'])
    assert read_metrics(tmp_path, 6) == {} and read_metrics(tmp_path, 5) == {'accuracy/top1': 50.0}
    start_of_run(tmp_path, '20260102_000000', [], test={'accuracy/top1': 51.0})
    assert read_metrics(tmp_path, 6) == {'accuracy/top1': 51.0}


def test_a_run_without_evaluation_has_no_metrics(tmp_path):
    start_of_run(tmp_path, '20260101_000000', ['{"loss": 2.0}'])
    assert read_metrics(tmp_path) == {} == read_metrics(tmp_path / 'nowhere')
    assert read_backbone(tmp_path) == {}


def test_a_log_is_merged_over_starts(tmp_path):
    """What a resumed run validated again counts; hours add up; the speed is the median."""
    first = ['{"loss": 2.0, "time": 1.0, "epoch": 1, "step": 1}',
             '{"coco/bbox_mAP": 0.1, "step": 1}', '{"coco/bbox_mAP": 0.2, "step": 2}']
    second = ['{"loss": 1.0, "time": 3.0, "memory": 1024, "epoch": 2, "step": 2}',
              '{"coco/bbox_mAP": 0.3, "step": 2}']
    start_of_run(tmp_path, '20260101_000000', first)
    start_of_run(tmp_path, '20260102_000000', second)
    for start, hours in (('20260101_000000', 1), ('20260102_000000', 2)):
        (tmp_path / start / f'{start}.log').write_text(
            '2026/01/01 00:00:00 - mmengine - INFO - \n    PyTorch: 2.15.0\n    GPU number: 8\n'
            f'    seed: 7\n2026/01/01 0{hours}:00:00 - mmengine - INFO - done\n')
    log = read_log(tmp_path)
    assert log.validations == {1: {'coco/bbox_mAP': 0.1}, 2: {'coco/bbox_mAP': 0.3}}
    assert (log.hours, log.seconds_a_step, log.peak_memory) == (3, 2, 1)
    assert (log.seed, log.gpus, log.versions) == (7, 8, {'PyTorch': '2.15.0'})
    assert log.nan_epoch is None and log.cut_off == ()


def test_a_nan_loss_and_cut_off_lines_are_found(tmp_path):
    start_of_run(tmp_path, '20260101_000000', [
        '{"loss": 2.0, "grad_norm": NaN, "epoch": 1}',  # a step of mixed precision, no harm
        '{"loss": NaN, "epoch": 2}', '{"loss": 1.0, "epoch": 3', '{"coco/bbox_mAP": }'])
    log = read_log(tmp_path)
    assert log.nan_epoch == 2
    assert [c.rpartition(':')[2] for c in log.cut_off] == ['3', '4']


def test_results_need_neither_torch_nor_openmmlab():
    code = '''
import sys
ABSENT = ('torch', 'mmengine', 'mmcv', 'mmdet', 'mmpretrain')
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ABSENT:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *a: None if name in ABSENT else find(name, *a)
import mmresizemix
from mmresizemix.report.make import make_comparison
for name in ('ResizeMix', 'BackboneGuard', 'SSDHead'):
    try:
        getattr(mmresizemix, name)
    except ImportError as error:
        assert "pip install 'mmresizemix[openmmlab]'" in str(error), error
    else:
        raise SystemExit(f'{name} came without torch')
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
