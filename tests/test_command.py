"""How commands end: what the shell, and who reads, is told."""
import subprocess

CODE = """
from mmresizemix.command import run_command

def main():
    for line in range(100_000):
        print(line)

run_command(main)
"""


def test_a_reader_that_has_enough_is_no_error(python):
    """As in ``python tools/compare.py runs | head -1``."""
    shell = '"$0" -c "$1" | head -1; echo ${PIPESTATUS[0]}'
    done = subprocess.run(['bash', '-c', shell, python, CODE], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('0\n141\n', '')


def test_a_pipe_of_its_own_that_breaks_is_an_error(python):
    """As that to a worker: nothing is hidden of it."""
    code = CODE.replace('print(line)', 'a, b = Pipe(); a.close(); b.send(0)')
    code = 'from multiprocessing import Pipe\n' + code
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert done.returncode == 1 and 'BrokenPipeError' in done.stderr


def test_a_path_that_is_not_there(tool, tmp_path):
    done = tool('train', 'absent.py', cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f'error: absent.py: No such file or directory, seen from {tmp_path}. Check the path, or the '
        'setting of the config that names it')
    absolute = tool('train', tmp_path / 'absent.py')
    assert f'error: {tmp_path}/absent.py: No such file or directory. Check' in absolute.stderr


def test_a_full_disk_has_an_exit_code_of_its_own(python):
    code = ('import errno\nfrom mmresizemix.command import run_command\n'
            'def main():\n    raise OSError(errno.ENOSPC, "No space left on device", "a.pth")\nrun_command(main)')
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert done.returncode == 74 and 'No space left on device' in done.stderr.splitlines()[-1]
