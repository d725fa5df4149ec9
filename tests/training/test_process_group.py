"""A test that a finished run of several processes leaves nothing behind that could abort it at its end."""
import os
import subprocess
from pathlib import Path

RANK = '''
import os, sys
from contextlib import suppress
from small_run import config
from mmresizemix.training.launch import train

def gloo_threads():
    found = 0
    for thread in os.listdir('/proc/self/task'):
        with suppress(FileNotFoundError):  # it has ended meanwhile
            found += 'gloo' in open(f'/proc/self/task/{thread}/comm').read()
    return found

during = []
cfg = config(sys.argv[1], epochs=1, launcher='pytorch')
import mmresizemix.training.launch as launch
leave = launch.leave_process_group
launch.leave_process_group = lambda: (during.append(gloo_threads()), leave())
train(cfg)
print(f'gloo threads: {during[0] > 0}, then {gloo_threads()};', flush=True)
'''


def test_no_thread_of_the_process_group_is_left(tmp_path, python):
    script = tmp_path / 'rank.py'
    script.write_text(RANK)
    done = subprocess.run(
        [python, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2',
         str(script), str(tmp_path / 'run')], capture_output=True, text=True, timeout=120,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[1])})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('gloo threads: True, then 0;') == 2, done.stdout
