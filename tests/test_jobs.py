"""Running jobs: order, failure, repair, and going on after an interruption."""
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from mmresizemix.jobs import MARKER, Job, run_jobs


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, '-c', code)


def run(jobs, at_once=2):
    out = io.StringIO()
    failed = run_jobs(jobs, at_once, {}, Console(file=out, width=200))
    return failed, out.getvalue()


def writer(name, folder: Path, needs=(), **settings):
    """A job that appends its name to order.txt next to its folder."""
    order = str(folder.parent / 'order.txt')
    return Job(name, python(f'open({order!r}, "a").write("{name} ")'), folder, needs=needs,
               **settings)


def test_a_job_waits_for_what_it_needs(tmp_path):
    failed, out = run([writer('c', tmp_path / 'c', ('a', 'b')), writer('b', tmp_path / 'b', ('a', )),
                       writer('a', tmp_path / 'a')])
    assert not failed and (tmp_path / 'order.txt').read_text() == 'a b c '
    assert '[3/3] c: done' in out


def test_done_jobs_are_not_run_again_and_changed_ones_are(tmp_path):
    jobs = [writer('a', tmp_path / 'a'), writer('b', tmp_path / 'b', ('a', ))]
    run(jobs)
    run(jobs)
    assert (tmp_path / 'order.txt').read_text() == 'a b '
    marker = tmp_path / 'a' / MARKER
    marker.write_text(json.dumps(dict(command=['something', 'else'])))
    run(jobs)
    assert (tmp_path / 'order.txt').read_text() == 'a b a b ', 'what needs a changed job runs again'


def test_results_that_vanished_are_made_again(tmp_path):
    result = tmp_path / 'result'
    job = Job('a', python(f'open({str(result)!r}, "w")'), tmp_path / 'a', complete=result.is_file)
    run([job])
    result.unlink()
    assert run([job])[0] == [] and result.is_file()


def test_a_failure_stops_only_what_needs_it_and_shows_the_end_of_its_log(tmp_path):
    jobs = [Job('bad', python('print("out of luck"); raise SystemExit(3)'), tmp_path / 'bad'),
            writer('child', tmp_path / 'child', ('bad', )), writer('other', tmp_path / 'other')]
    failed, out = run(jobs)
    assert failed == ['bad', 'child'] and (tmp_path / 'order.txt').read_text() == 'other '
    assert 'bad failed (exit code 3)' in out and 'out of luck' in out


def test_a_run_that_ended_well_without_results_is_repaired_once(tmp_path):
    result = tmp_path / 'result'
    job = Job('a', python(''), tmp_path / 'a', complete=result.is_file,
              repair=python(f'open({str(result)!r}, "w")'))
    assert run([job])[0] == []
    hopeless = Job('b', python(''), tmp_path / 'b', complete=lambda: False, repair=python(''))
    assert run([hopeless])[0] == ['b']


def test_progress_is_read_from_the_log(tmp_path):
    job = Job('a', (), tmp_path, epochs=4)
    assert job.fraction() == 0
    job.log.write_text('Epoch(train)  [1][ 5/20]  lr\nEpoch(train)  [3][10/20]  lr: 1\nother\n')
    assert job.fraction() == pytest.approx((2 + 0.5) / 4)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stopping_stops_the_jobs_and_the_same_command_goes_on(tmp_path, number):
    code = f'''
import signal, sys
from pathlib import Path
from rich.console import Console
from mmresizemix.command import run_command
from mmresizemix.jobs import Job, run_jobs
signal.signal(signal.SIGTERM, signal.default_int_handler)
root = Path({str(tmp_path)!r})
child = "import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
if (root / 'second').exists(): child = ''
run_command(lambda: len(run_jobs([Job('a', (sys.executable, '-c', child), root / 'a')], 1, {{}}, Console())),
            'Go on.')
'''
    first = subprocess.Popen([sys.executable, '-c', code], stderr=subprocess.PIPE, text=True)
    for _ in range(200):
        time.sleep(0.1)
        if (tmp_path / 'pid').exists() and (tmp_path / 'pid').read_text():
            break
    first.send_signal(number)
    _, error = first.communicate(timeout=30)
    assert first.returncode == 130 and 'Stopped. Go on.' in error
    child = int((tmp_path / 'pid').read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert not (tmp_path / 'a' / MARKER).exists()
    (tmp_path / 'second').touch()
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0
