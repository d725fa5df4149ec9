"""Tests of one stage: its record, its lock, and what becomes of its process."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from mmresizemix.console.command import DISK_FULL
from mmresizemix.plan.run_stage import ATTEMPTS, run_stage
from mmresizemix.plan.stage import Stage, State, examine, state_of
from mmresizemix.plan.stage_record import Held, StageRecord, is_held, lock
from mmresizemix.plan.status import Status


def stage(home: Path, code: str = '', *, name='a', needs=(), inputs=None, result='result',
          folder=None, **settings) -> Stage:
    """Return a stage that runs ``code``, and is done when the file ``result`` is there."""
    path = home / result
    return Stage(name, name, settings.pop('kind', 'test'), home / 'stages', lambda: [sys.executable, '-c', code],
                 needs=needs, inputs=lambda: inputs or {}, folder=folder,
                 missing=lambda: None if path.exists() else f'{result} is not there', **settings)


def write(path: Path) -> str:
    return f'open({str(path)!r}, "a").write("x")'


def run(one: Stage, **settings):
    return run_stage(one, {}, Event(), **settings)


def test_a_stage_is_done_when_its_result_is_there_and_not_before(tmp_path):
    one = stage(tmp_path, write(tmp_path / 'result'))
    assert state_of(one, {}).kind == Status.NEW
    assert run(one).state == Status.DONE and state_of(one, {}).kind == Status.DONE
    assert run(one).state == Status.DONE and (tmp_path / 'result').read_text() == 'x', 'not run twice'
    (tmp_path / 'result').unlink()
    state = state_of(one, {})
    assert state.kind == Status.STOPPED and state.reason == 'result is not there'


def test_ending_well_without_a_result_is_a_failure(tmp_path):
    outcome = run(stage(tmp_path))
    assert outcome.state == Status.FAILED and outcome.reason == 'ended well, but result is not there'
    assert StageRecord.read(tmp_path / 'stages/a.json').state == Status.FAILED


def test_what_was_made_of_other_inputs_is_stale_and_kept_aside(tmp_path):
    folder = tmp_path / 'run'
    code = f'import os; os.makedirs({str(folder)!r}, exist_ok=True); {write(folder / "w")}'
    settings = dict(folder=folder, result='run/w')
    run(stage(tmp_path, code, inputs=dict(lr=0.02, seed=0), **settings))
    changed = stage(tmp_path, code, inputs=dict(lr=0.01, seed=0), **settings)
    state = state_of(changed, {})
    assert state.kind == Status.STALE and state.reason == 'changed: lr: 0.02 -> 0.01'
    assert run(changed).state == Status.DONE
    assert (folder / 'w').read_text() == 'x', 'it did not go on from the other'
    assert (tmp_path / 'stale/a-1/w').read_text() == 'x', 'nothing is deleted'


def test_an_interrupted_stage_of_the_same_inputs_goes_on_in_its_folder(tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'epoch_1.pth').touch()
    one = stage(tmp_path, write(folder / 'w'), inputs=dict(lr=1), folder=folder, result='run/w')
    StageRecord(Status.STARTED, dict(lr=1)).write(one.record)
    assert run(one).state == Status.DONE and (folder / 'epoch_1.pth').exists()


def test_a_stage_waits_for_what_it_needs(tmp_path):
    a, b = stage(tmp_path), stage(tmp_path, name='b', needs=('a', ))
    states = examine([a, b])
    assert states['b'].kind == Status.WAITING and states['b'].reason == 'after a'


@pytest.mark.parametrize('code, reason', [
    ('print("RuntimeError: CUDA out of memory. Tried"); raise SystemExit(1)', 'out of memory: '),
    ('print("error: the weights are not finite at"); raise SystemExit(1)', 'NaN: error: the'),
    ('print("something odd"); raise SystemExit(5)', 'exit code 5: something odd'),
])
def test_the_reason_of_a_failure_is_named_and_it_is_tried_once(tmp_path, code, reason):
    one = stage(tmp_path, f'{write(tmp_path / "tries")}; {code}')
    outcome = run(one)
    assert outcome.state == Status.FAILED and reason in outcome.reason
    assert (tmp_path / 'tries').read_text() == 'x'
    assert state_of(one, {}) == State(Status.FAILED, outcome.reason)


@pytest.mark.parametrize('code', [
    'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
    'exit(143)',  # somebody else has asked the training to stop
    'print("  exitcode  : -9 (pid: 7)"); exit(1)',  # this is what torchrun prints
    'print("RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed."); exit(1)'])
def test_what_may_pass_is_tried_again(tmp_path, code):
    outcome = run(stage(tmp_path, f'{write(tmp_path / "tries")}; {code}'))
    assert outcome.state == Status.FAILED and (tmp_path / 'tries').read_text() == 'x' * ATTEMPTS
    lucky = stage(tmp_path, f'''
import os, signal
{write(tmp_path / "again")}
if open({str(tmp_path / "again")!r}).read() == "x": os.kill(os.getpid(), signal.SIGKILL)
{write(tmp_path / "result")}''', name='lucky')
    assert run(lucky).state == Status.DONE


def test_the_last_attempt_is_judged_by_its_own_lines(tmp_path):
    one = stage(tmp_path, 'print("No space left on device"); exit(1)')
    assert run(one).state == Status.NO_SPACE
    again = stage(tmp_path, 'print("other"); exit(1)')
    assert run(again).reason == 'exit code 1: other'


def test_a_full_disk_is_no_failure(tmp_path):
    one = stage(tmp_path, f'print("error: full: needs 3 GB, 1 GB free"); exit({DISK_FULL})')
    outcome = run(one)
    assert outcome.state == Status.NO_SPACE and 'needs 3 GB, 1 GB free' in outcome.reason
    assert StageRecord.read(one.record).state == Status.STARTED


def test_a_hung_process_is_killed_and_tried_again(tmp_path):
    one = stage(tmp_path, f'{write(tmp_path / "tries")}; import time; time.sleep(60)')
    began = time.monotonic()
    outcome = run(one, silence=1)
    assert outcome.state == Status.FAILED and outcome.reason.startswith('hung')
    assert (tmp_path / 'tries').read_text() == 'x' * ATTEMPTS and time.monotonic() - began < 40


def test_stopping_stops_the_process_and_its_children(tmp_path):
    code = f'''
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(60)'''
    stopping = Event()
    outcomes = []
    thread = Thread(target=lambda: outcomes.append(run_stage(stage(tmp_path, code), {}, stopping)))
    thread.start()
    wait_for(tmp_path / 'pid')
    stopping.set()
    thread.join(30)
    assert outcomes[0].state == Status.STOPPED
    assert StageRecord.read(tmp_path / 'stages/a.json').state == Status.STARTED
    assert ends(int((tmp_path / 'pid').read_text()))


def test_a_clusters_warning_is_for_the_training_and_not_for_what_starts_it(tmp_path):
    """Slurm signals every process of a job. torchrun would die of it before its ranks have written."""
    one = stage(tmp_path, f'''
import os, signal
os.kill(os.getpid(), signal.SIGUSR2)
{write(tmp_path / "result")}''')
    assert run(one).state == Status.DONE


def wait_for(path: Path) -> None:
    for _ in range(300):
        if path.exists() and path.read_text(encoding='utf-8'):
            return
        time.sleep(0.1)
    raise TimeoutError(path)


def ends(pid: int) -> bool:
    """Wait for a process to end, and return whether it has. A killed process may be a zombie for a moment."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()[0] == 'Z':
            return True
        time.sleep(0.1)
    return False


DRIVER = '''
import sys
from pathlib import Path
from threading import Event
sys.path.insert(0, {tests!r})
from test_run_stage import stage, run_stage
run_stage(stage(Path({home!r}), {code!r}), {{}}, Event())
'''


def test_a_process_that_outlived_its_driver_is_waited_for(tmp_path, python):
    """Two trainings in one folder would spoil it. To resume a training that has ended does nothing."""
    code = f'''
import os, time
order = open({str(tmp_path / "order")!r}, "a", buffering=1)
order.write("begins ")
open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
while not os.path.exists({str(tmp_path / "go")!r}): time.sleep(0.02)
{write(tmp_path / "result")}
order.write("ends ")'''
    driver = subprocess.Popen([python, '-c', DRIVER.format(
        tests=str(Path(__file__).parent), home=str(tmp_path), code=code)])
    wait_for(tmp_path / 'pid')
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    one = stage(tmp_path, code)
    assert state_of(one, {}).kind == Status.RUNNING, 'the lock is held by the process itself'
    Timer(0.3, (tmp_path / 'go').touch).start()
    assert run(one).state == Status.DONE
    assert (tmp_path / 'order').read_text() == 'begins ends ' * 2


def test_a_lock_names_its_owner_and_ends_with_it(tmp_path):
    with lock(tmp_path / 'lock'):
        assert is_held(tmp_path / 'lock')
        with pytest.raises(Held, match=f'process {os.getpid()} on .* since 20'), \
                lock(tmp_path / 'lock'):
            pass
    assert not is_held(tmp_path / 'lock')


@pytest.mark.parametrize('text', ['', '{"state": "do', '[]', '{"unknown": 1}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    assert StageRecord.read(tmp_path / 'a.json') is None


def test_a_record_is_plain_json(tmp_path):
    StageRecord(Status.DONE, dict(lr=0.1), ['python'], 1, None, 2.0, 3.0).write(tmp_path / 'a.json')
    assert json.loads((tmp_path / 'a.json').read_text())['inputs'] == dict(lr=0.1)
