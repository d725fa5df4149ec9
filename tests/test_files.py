"""Tests that files and checkpoints are written completely or not at all."""
import errno
import os
import signal
import subprocess
from collections import namedtuple

import pytest
import torch
from mmengine.fileio import get_file_backend

import mmresizemix.files
from mmresizemix.files import DiskFullError, require_space, size_text, whole_file, write_text
from mmresizemix.training.checkpoints import newest_checkpoint


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = write_text(tmp_path / 'new/a.txt', 'first')
    with pytest.raises(RuntimeError), whole_file(path) as unfinished:
        unfinished.write_text('half')
        raise RuntimeError
    assert path.read_text() == 'first' and os.listdir(path.parent) == ['a.txt']


def test_a_kill_while_writing_leaves_the_file_before(tmp_path, python):
    path = write_text(tmp_path / 'a.txt', 'first')
    code = f'''
import os, signal
from mmresizemix.files import whole_file
with whole_file({str(path)!r}) as unfinished:
    unfinished.write_text('half')
    os.kill(os.getpid(), signal.SIGKILL)'''
    assert subprocess.run([python, '-c', code]).returncode == -signal.SIGKILL
    assert path.read_text() == 'first'
    assert write_text(path, 'second').read_text() == 'second', 'what is left of it is no hindrance'


def test_a_full_disk_is_told_before_and_in_writing(tmp_path, monkeypatch):
    with pytest.raises(DiskFullError, match=r'a\.pth: the disk is full: needs .* free') as error:
        require_space(tmp_path / 'a.pth', 10**18)
    assert error.value.errno == errno.ENOSPC
    with pytest.raises(DiskFullError, match='needs more'), whole_file(tmp_path / 'b'):
        raise OSError(errno.ENOSPC, 'No space left on device')
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('size, text', [(12, '12 B'), (3_400, '3.4 kB'), (1.44e9, '1.44 GB'),
                                        (2e12, '2 TB'), (5e15, '5e+03 TB')])
def test_sizes_as_people_say_them(size, text):
    assert size_text(size) == text


def test_the_backend_is_known_by_name(tmp_path, monkeypatch):
    backend = get_file_backend(str(tmp_path), backend_args=dict(backend='whole_file'))
    backend.put(b'whole', str(tmp_path / 'a/epoch_1.pth'))
    assert (tmp_path / 'a/epoch_1.pth').read_bytes() == b'whole'
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(mmresizemix.files.shutil, 'disk_usage', lambda _: usage(9, 9, 2))
    with pytest.raises(DiskFullError, match='needs 5 B, 2 B free'):
        backend.put(b'later', str(tmp_path / 'a/epoch_1.pth'))
    assert (tmp_path / 'a/epoch_1.pth').read_bytes() == b'whole'


@pytest.mark.parametrize('spoil', ['cut', 'flip', 'empty'])
def test_a_spoiled_newest_checkpoint_is_passed_by(tmp_path, capsys, spoil):
    for epoch in (1, 2):
        torch.save(dict(state_dict=dict(w=torch.rand(100))), tmp_path / f'epoch_{epoch}.pth')
    path = tmp_path / 'epoch_2.pth'
    content = bytearray(path.read_bytes())
    if spoil == 'flip':
        content[content.index(b'data/0') + 200] ^= 1
    path.write_bytes({'cut': content[:-300], 'flip': content, 'empty': b''}[spoil])
    assert newest_checkpoint(str(tmp_path)) == tmp_path / 'epoch_1.pth'
    assert 'epoch_2.pth' in capsys.readouterr().out
