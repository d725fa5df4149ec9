"""A test that a finished run of several processes leaves nothing behind that could abort it at its end."""
from pathlib import Path

import small_run

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
assert during[0] > 0, 'it has threads while it trains'
assert gloo_threads() == 0, 'none is left'
'''


def test_no_thread_of_the_process_group_is_left(tmp_path, python, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', str(Path(small_run.__file__).parent))
    script = tmp_path / 'rank.py'
    script.write_text(RANK)
    assert small_run.two_processes(python, tmp_path / 'run', script=script) == [0, 0]
