"""Plant faults in a copy of the code, one at a time, and say which of them the tests catch.

    python tests/planted_faults.py                     # all faults; takes about ten minutes
    python tests/planted_faults.py --only guard        # faults whose file or change has this word
    python tests/planted_faults.py --tests ../before   # use the tests of another checkout
    python tests/planted_faults.py --all               # run all of make test on faults that the named tests miss

The tests that are named beside a fault are run to catch it. The exit code is 1 if a fault was not caught. CI does not
run this script, because it tests the tests.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_OF_MAKE_TEST = ('tests/faults', 'tests/slurm', 'tests/wheel')


@dataclass(frozen=True)
class Fault:
    """A fault: in ``file``, ``right`` becomes ``wrong``. ``tests`` are run first."""
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = [
    Fault('batch_augments/resizemix.py', 'tau = alpha + (beta - alpha) * u_tau', 'tau = (alpha + (beta - alpha) * u_tau).sqrt()',
          'tests/batch_augments/test_resizemix.py'),
    Fault('batch_augments/resizemix.py', 'side - patch + 1', 'side - patch', 'tests/batch_augments/test_resizemix.py'),
    Fault('batch_augments/cutmix.py', 'box[u_prob >= self.prob] = 0', 'pass', 'tests/batch_augments'),
    Fault('training/seeding.py', 'derive_seed(runner.seed, get_rank(), runner.epoch', 'derive_seed(runner.seed, 0, runner.epoch',
          'tests/training/test_seeding.py'),
    Fault('training/resuming.py', 'random.setstate(states[\'python\'])', 'pass', 'tests/training/test_resuming.py'),
    Fault('saliency/fine_grained.py', '(at + r + 1).clamp(max=n)', '(at + r).clamp(max=n)', 'tests/saliency'),
    Fault('policies/schedule.py', 'left -= 1', 'pass', 'tests/policies'),
    Fault('backbones/shake_shake.py', '(1, 0, 1, 0)', '(0, 1, 0, 1)', 'tests/backbones'),
    Fault('loading/decode.py', "'BGR', min_factor", "'RGB', min_factor", 'tests/loading'),
    Fault('openmmlab/ops/fallback.py', "_TorchvisionExt(spec.name, __doc__)", "ModuleType(spec.name, __doc__)", 'tests/openmmlab/test_ops.py'),
    Fault('detection/dump.py', "difficult = int(instance['ignore_flag'])", 'difficult = 0', 'tests/detection'),
    Fault('detection/dump.py', "category_id=instance['bbox_label'] + 1", "category_id=instance['bbox_label']",
          'tests/detection tests/test_pipeline.py'),
    Fault('transfer/guard.py', 'if runner.iter > 0:  #', 'if True:  #', 'tests/transfer'),
    Fault('transfer/export.py', 'before.digest != digest(tensors)', 'False', 'tests/transfer/test_export.py'),
    Fault('transfer/export.py', "t.detach().float()", "t.detach().half()", 'tests/transfer'),
    Fault('training/options.py', 'model.backbone.update({k: v for k, v in THAWED.items() if _takes(model.backbone, k)})',
          'pass', 'tests/test_pipeline.py'),
    Fault('training/transfer_run.py', 'cfg.custom_hooks = hooks + lacking', "cfg.setdefault('custom_hooks', []).extend(lacking)",
          'tests/training/test_transfer_run.py'),
    Fault('training/set_parts.py', 'return order[:count]\n', 'return np.arange(count)\n', 'tests/training/test_protocols.py'),
    Fault('training/protocols.py', "around.dataset = dict(\n        type=f'mmresizemix.{LABEL_FRACTION}'", "cfg.train_dataloader.dataset = dict(\n        type=f'mmresizemix.{LABEL_FRACTION}'",
          'tests/training/test_protocols.py'),
    Fault('detection/coco_metric.py', 'if kind == MASKS:', 'if False:', 'tests/detection'),
    Fault('training/launch.py', 'if cfg.get(\'load_from\') and not (cfg.resume and resume == \'auto\'):', 'if False:', 'tests/openmmlab'),
    Fault('datasets/voc.py', "not self.name.startswith(('val', 'test'))", 'True', 'tests/datasets'),
    Fault('results/statistics.py', 'np.arange(len(raw), 0, -1)', 'len(raw)', 'tests/results'),
    Fault('metrics/average_precision.py', '0 if it never is."""\n    rows', '0 if it never is."""\n    hits = hits + 1\n    rows',
          'tests/metrics'),
    Fault('metrics/matching.py', " if not masks or k != 'bbox'", '', 'tests/metrics'),
    Fault('detection/dump.py', "found.get('mask_scores', found['scores'])", "found['scores']", 'tests/detection'),
    Fault('training/own_set.py', "after + path[len(before):]", "after + path[len(before) + 1:]", 'tests/training/test_own_set.py'),
    Fault('training/class_names.py', "parts[0] == 'backbone' or", "False or", 'tests/training/test_class_names.py'),
    Fault('training/last_batch.py', "1 in _values_per_channel(", "0 in _values_per_channel(", 'tests/training/test_last_batch.py'),
    Fault('plan/stage_record.py', 'fcntl.LOCK_EX | fcntl.LOCK_NB)\n        except', 'fcntl.LOCK_SH | fcntl.LOCK_NB)\n        except',
          'tests/plan'),
    Fault('plan/run_stage.py', "if code == 0:", "if code in (0, 1):", 'tests/plan'),
    Fault('training/fast/deferred_log.py', "self._hand_over(runner)\n        checkpoint", 'checkpoint', 'tests/training/test_fast.py'),
    Fault('training/mix_log.py', 'float(total) / count)', 'float(total))', 'tests/training/test_mix_log.py'),
    Fault('loading/samplers.py', 'return self.times * super().__len__()', 'return super().__len__()', 'tests/loading/test_samplers.py'),
    Fault('console/command.py', 'sys.exit(DISK_FULL if full else 1)', 'sys.exit(1)', 'tests/plan tests/console/test_command.py'),
    Fault('show/mixed_batch.py', 'source=(sources[partner]', 'source=(sources', 'tests/show'),
]


def is_caught(fault: Fault, tests: Path, folder: Path, by_all: bool) -> tuple[bool, str]:
    """Return (whether a test fails, the first that does or else how many were run)."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout
    for name in filter(None, listed.split('\0')):
        if not name.startswith('tests/') and os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    shutil.copytree(tests, folder / 'tests', ignore=shutil.ignore_patterns('__pycache__'))
    file = folder / 'mmresizemix' / fault.file
    text = file.read_text(encoding='utf-8')
    assert text.count(fault.right) == 1, f'{fault.file}: {text.count(fault.right)} times {fault.right!r}'
    file.write_text(text.replace(fault.right, fault.wrong), encoding='utf-8')
    everything = ['tests', *(f'--ignore={path}' for path in NOT_OF_MAKE_TEST)]
    for chosen in (fault.tests.split(), everything) if by_all else (fault.tests.split(), ):
        done = subprocess.run(
            [sys.executable, '-m', 'pytest', '-x', '-q', '-n', '2', '--dist', 'loadfile', *chosen], cwd=folder, text=True,
            capture_output=True, env={**os.environ, 'PYTHONPATH': str(folder), 'OMP_NUM_THREADS': '1'})
        lines = [line for line in done.stdout.splitlines() if line.startswith(('FAILED', 'ERROR'))]
        if done.returncode == 1 or lines:
            return True, lines[0].partition(' - ')[0] if lines else done.stdout[-300:]
        assert done.returncode == 0, done.stdout + done.stderr
    return False, done.stdout.splitlines()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', default='', help='faults whose file or change has this word')
    parser.add_argument('--tests', type=Path, default=ROOT / 'tests', help='a folder of tests (default: this)')
    parser.add_argument('--all', action='store_true', help='by all of make test where the tests beside it miss it')
    args = parser.parse_args()
    chosen = [f for f in FAULTS if args.only in f'{f.file} {f.right} {f.wrong}']
    missed = 0
    for i, fault in enumerate(chosen, 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            caught, which = is_caught(fault, args.tests.resolve(), Path(folder), args.all)
        missed += not caught
        print(f'{i}/{len(chosen)} {"caught" if caught else "MISSED"} {fault.file}: {fault.wrong!r}: {which} '
              f'({time.monotonic() - began:.0f} s)', flush=True)
    print(f'{len(chosen) - missed} of {len(chosen)} caught.')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
