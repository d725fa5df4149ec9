"""Tests of how commands end: what they tell the shell and the reader, and that nothing outlives them."""
import os
import signal
import subprocess
import sys
import time

import pytest

CODE = """
from mmresizemix.console.command import run_command

def main():
    for line in range(100_000):
        print(line)

run_command(main)
"""


def test_a_reader_that_has_enough_is_no_error(python):
    """An example is ``python tools/compare.py runs | head -1``."""
    shell = '"$0" -c "$1" | head -1; echo ${PIPESTATUS[0]}'
    done = subprocess.run(['bash', '-c', shell, python, CODE], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('0\n141\n', '')


def test_a_pipe_of_its_own_that_breaks_is_an_error(python):
    """An example is the pipe to a worker. Nothing of such an error is hidden."""
    code = CODE.replace('print(line)', 'a, b = Pipe(); a.close(); b.send(0)')
    code = 'from multiprocessing import Pipe\n' + code
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert done.returncode == 1 and 'BrokenPipeError' in done.stderr


def test_a_path_that_is_not_there(tool, tmp_path):
    done = tool('train', 'absent.py', cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f'error: absent.py: No such file or directory, relative to {tmp_path}. Check the path, or the '
        'setting of the config that names it')
    absolute = tool('train', tmp_path / 'absent.py')
    assert f'error: {tmp_path}/absent.py: No such file or directory. Check' in absolute.stderr


def test_a_full_disk_has_an_exit_code_of_its_own(python):
    code = ('import errno\nfrom mmresizemix.console.command import run_command\n'
            'def main():\n    raise OSError(errno.ENOSPC, "No space left on device", "a.pth")\nrun_command(main)')
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert done.returncode == 74 and 'No space left on device' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize('name, said', [
    ('loop', 'no such file'),
    ('n' * 300, 'File name too long'),
])
def test_paths_that_lead_nowhere_are_said_in_a_line(tool, tmp_path, name, said):
    (tmp_path / 'loop').symlink_to('loop')
    for command in (['export_backbone', name, 'out.pth'], ['transfer', 'absent.py', '--root', name],
                    ['prepare_voc', name], ['compare', name]):
        done = tool(*command, cwd=tmp_path)
        assert done.returncode in (1, 2) and 'Traceback' not in done.stderr, done.stderr
    done = tool('export_backbone', name, 'out.pth', cwd=tmp_path)
    assert done.stderr.splitlines()[-1].startswith('error: ') and said in done.stderr


def test_what_a_terminal_would_obey_is_shown_as_text(python):
    code = ('from mmresizemix.console.command import run_command\n'
            'def main():\n    raise ValueError("\\x1b[2J\\u03c4 is\\nno \\ud800 name")\nrun_command(main)')
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert done.stderr == 'error: \\x1b[2Jτ is\nno \\ud800 name\n'


WITH_A_POOL = """
import os
import time
from concurrent.futures import ProcessPoolExecutor
from mmresizemix.console.command import run_command

def main():
    with ProcessPoolExecutor(2) as pool:
        print(*set(pool.map(started, range(20))), flush=True)
        time.sleep(60)

def started(_):
    time.sleep(0.05)
    return os.getpid()

run_command(main)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux kills what is left')
def test_the_workers_of_a_killed_command_die_with_it():
    """The workers of find_leaks once stayed alive and kept the lock of their stage, so the plan waited for ever."""
    command = subprocess.Popen([sys.executable, '-c', WITH_A_POOL],
                               stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in command.stdout.readline().split()]
    assert len(workers) == 2
    command.kill()
    command.wait()
    until = time.monotonic() + 20
    while (alive := [pid for pid in workers if _is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    assert not alive


def _is_alive(pid: int) -> bool:
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
