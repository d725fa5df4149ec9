"""Reading runs and making the first table; with neither torch nor OpenMMLab."""
import json
import subprocess
import sys

from mmresizemix.results import read_backbone, read_metrics, table5


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


def test_the_table_keeps_every_value_and_marks_the_best():
    text = table5({('none', 'COCO SSD'): 0.25118, ('ResizeMix', 'COCO SSD'): 0.2551,
                   ('none', 'top-1'): 0.761}, ['none', 'ResizeMix'], ['top-1', 'COCO SSD'])
    assert text == ('| Pretraining |     top-1 |  COCO SSD |\n'
                    '|-------------|----------:|----------:|\n'
                    '| none        | **76.10** |     25.12 |\n'
                    '| ResizeMix   |         - | **25.51** |\n')


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
from mmresizemix.results import table5
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
