"""Tests of the schedule of one machine: order, failures, two stages at once, and going on after a stop."""
import io
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console
from test_run_stage import ends, stage, wait_for, write

from mmresizemix.plan.local import InUse, run_locally, slots
from mmresizemix.plan.stage_record import lock


def run(stages, root, places=2):
    out = io.StringIO()
    failed = run_locally(stages, [{}] * places, root, Console(file=out, width=200))
    return failed, out.getvalue()


def test_needs_come_first_and_what_is_done_is_not_run_again(tmp_path):
    def appends(name, needs=()):
        return stage(tmp_path, f'{write(tmp_path / name)}; open({str(tmp_path / "order")!r}, "a")'
                     f'.write("{name} ")', name=name, needs=needs, result=name)

    stages = [appends('a'), appends('b', ('a', )), appends('c', ('a', 'b'))]
    failed, out = run(stages, tmp_path)
    assert failed == [] and (tmp_path / 'order').read_text() == 'a b c '
    assert '[3/3] c: done.' in out
    failed, out = run(stages, tmp_path)
    assert failed == [] and (tmp_path / 'order').read_text() == 'a b c '
    assert '3 of 3 stages were done before.' in out
    (tmp_path / 'b').unlink()
    run(stages, tmp_path)
    assert (tmp_path / 'order').read_text() == 'a b c b '


def test_a_failure_stops_only_what_needs_it_and_shows_the_end_of_its_log(tmp_path):
    stages = [stage(tmp_path, 'print("out of luck"); raise SystemExit(3)', name='bad'),
              stage(tmp_path, write(tmp_path / 'x'), name='child', needs=('bad', ), result='x'),
              stage(tmp_path, write(tmp_path / 'y'), name='other', result='y'),
              stage(tmp_path, write(tmp_path / 'z'), name='last', needs=('child', 'other'),
                    result='z', after_failures=True)]
    failed, out = run(stages, tmp_path)
    assert failed == ['bad', 'child'] and not (tmp_path / 'x').exists()
    assert (tmp_path / 'y').exists() and (tmp_path / 'z').exists()
    assert 'bad: FAILED, exit code 3: out of luck' in out and 'stages/bad.log' in out


def test_a_failed_stage_is_tried_again_by_the_next_command(tmp_path):
    once = f'''
import os
{write(tmp_path / "tries")}
if open({str(tmp_path / "tries")!r}).read() == "x": raise SystemExit(1)
{write(tmp_path / "result")}'''
    assert run([stage(tmp_path, once)], tmp_path)[0] == ['a']
    assert run([stage(tmp_path, once)], tmp_path)[0] == []


def test_a_full_disk_stops_the_plan_and_says_what_it_needs(tmp_path):
    full = ('import sys; print("error: /d/epoch_1.pth: the disk is full: needs 3 GB, 1 GB free", '
            'file=sys.stderr); raise SystemExit(74)')
    stages = [stage(tmp_path, full), stage(tmp_path, write(tmp_path / 'y'), name='b', result='y')]
    with pytest.raises(OSError, match='/d/epoch_1.pth: the disk is full: needs 3 GB, 1 GB free'):
        run(stages, tmp_path, places=1)
    assert not (tmp_path / 'y').exists()
    assert run([stage(tmp_path, write(tmp_path / 'result')), stages[1]], tmp_path)[0] == []


def test_the_second_command_on_a_root_says_who_holds_it(tmp_path):
    with lock(tmp_path / 'lock'), pytest.raises(InUse, match='in use by process .* on .* since'):
        run([stage(tmp_path)], tmp_path)


def test_stages_run_side_by_side_as_there_are_places(tmp_path):
    both = [stage(tmp_path, f'''
import os, time
{write(tmp_path / name)}
for _ in range(100):
    if os.path.exists({str(tmp_path / other)!r}): break
    time.sleep(0.1)
else: raise SystemExit("the other never came")''', name=name, result=name)
            for name, other in ('ab', 'ba')]
    assert run(both, tmp_path)[0] == []


@pytest.mark.parametrize('gpus, per_run, visible, expected', [
    (8, 8, None, ['0,1,2,3,4,5,6,7']), (4, 2, None, ['0,1', '2,3']), (3, 2, None, ['0,1']),
    (2, 1, '5,7', ['5', '7'])])
def test_gpus_are_shared_out(monkeypatch, gpus, per_run, visible, expected):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if visible:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
    assert [p['CUDA_VISIBLE_DEVICES'] for p in slots(gpus, per_run, None)] == expected


def test_runs_that_share_a_gpu_share_out_its_memory_and_the_cores(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: range(24))
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,7')
    places = slots(2, 1, None, runs_per_gpu=4)
    assert [p['CUDA_VISIBLE_DEVICES'] for p in places] == ['5', '7'] * 4
    assert 0.8 < sum(float(p['MMRESIZEMIX_GPU_SHARE']) for p in places) / 2 < 1, 'CUDA takes some'
    assert sum(1 + int(p['MMRESIZEMIX_WORKERS']) for p in places) == 24, 'one trains, the others load'
    assert {p['OMP_NUM_THREADS'] for p in places} == {'1'}
    assert len(slots(2, 1, 3, runs_per_gpu=4)) == 3
    assert [set(p) for p in slots(2, 1, None)] == [{'CUDA_VISIBLE_DEVICES'}] * 2, 'alone: all of it'


def test_too_few_gpus_are_said():
    with pytest.raises(ValueError, match='takes 8 GPUs, and there are 2; set gpus_per_run'):
        slots(2, 8, None)
    assert all(p['CUDA_VISIBLE_DEVICES'] == '' for p in slots(4, 0, None)), 'on the CPU'


SCHEDULE = '''
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from rich.console import Console
from mmresizemix.console.command import run_command
from mmresizemix.plan.local import run_locally
from test_run_stage import stage
run_command(lambda: len(run_locally([stage(Path({home!r}), {code!r})], [{{}}], Path({home!r}),
                                    Console())), 'Go on.')
'''


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stopping_stops_the_processes_and_the_same_command_goes_on(tmp_path, number, python):
    code = f'''
import os, time
if not os.path.exists({str(tmp_path / "pid")!r}):
    open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
    time.sleep(60)
{write(tmp_path / "result")}'''
    command = [python, '-c', SCHEDULE.format(tests=str(Path(__file__).parent),
                                             home=str(tmp_path), code=code)]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / 'pid')
    time.sleep(0.5)
    first.send_signal(number)
    _, error = first.communicate(timeout=60)
    assert first.returncode == 130 and 'Stopped. Go on.' in error
    assert ends(int((tmp_path / 'pid').read_text()))
    assert subprocess.run(command).returncode == 0 and (tmp_path / 'result').exists()
