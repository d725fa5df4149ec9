"""Measure the time from the command to the first training step, for this project's train.py and for
MMDetection's.

    OMP_NUM_THREADS=1 python benchmarks/start_time.py [--rounds 15]

Both train the demo's SSD on a few drawn scenes. The clock stops when the first step begins.
"""
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from side_by_side import in_turn, parser, report

from mmresizemix.datasets import write_scenes

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs/demo/ssd96_r18_scenes-coco.py'
THEIRS = Path(find_spec('mmdet').submodule_search_locations[0]) / '.mim/tools/train.py'
STOP = '''
import os
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class StopAtTheFirstStep(Hook):

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        os._exit(0)
'''


def first_step(script: Path, config: Path, environment: dict, *options: str) -> float:
    # The hook of STOP ends the process, so the process runs exactly until the first step.
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, '-W', 'ignore', script, config, *options],
                          env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f'{script}: {done.stderr[-2000:]}')
    return seconds


def main() -> None:
    args = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        # The scenes are few and small, so that reading data takes no time.
        folder = Path(scratch)
        write_scenes(folder / 'scenes', crops=(1, 1), crop_size=48, coco=(8, 4), voc=(1, 1, 1),
                     scene_size=(96, 96))
        (folder / 'stop_at_the_first_step.py').write_text(STOP)
        # This is the demo's config without a backbone file. The guard accepts it as from_scratch.
        config = folder / 'config.py'
        config.write_text(f"""_base_ = {str(CONFIG)!r}
custom_imports = dict(imports=['mmresizemix', 'stop_at_the_first_step'])
guard, *others = _base_.custom_hooks
custom_hooks = [dict(guard, from_scratch=True), *others, dict(type='StopAtTheFirstStep')]
model = dict(backbone=dict(init_cfg=None, frozen_stages=-1, norm_eval=False))
""")
        path = os.pathsep.join([str(folder), os.environ.get('PYTHONPATH', '')])
        environment = {**os.environ, 'PYTHONPATH': path,
                       'MMRESIZEMIX_DEMO_DATA': str(folder / 'scenes')}
        work_dir = ('--work-dir', str(folder / 'run'))
        times = in_turn({
            "mmresizemix's train.py": lambda: first_step(
                ROOT / 'tools/train.py', config, environment, *work_dir),
            "MMDetection's train.py": lambda: first_step(THEIRS, config, environment, *work_dir),
        }, args.rounds)
    report('start', 'From the command to the first step of training',
           'SSD on drawn scenes, a fresh process', times, "MMDetection's train.py",
           {"mmresizemix's train.py": '<= 0.5 s more'})


if __name__ == '__main__':
    main()
