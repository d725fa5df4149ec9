"""Tests of the strict reading of checkpoints: what is admitted, what is refused, and that no code runs."""
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleLR, OneCycleParamScheduler
from transfer_samples import RunsCode

from mmresizemix.openmmlab import stack
from mmresizemix.openmmlab.stack import is_older
from mmresizemix.transfer import CheckpointError, load_checkpoint


class AsksForAttribute:
    """An object that pickles to ``getattr(HistoryBuffer, '__init__')``."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_a_real_mmengine_checkpoint_is_admitted(save):
    buffer = HistoryBuffer([1.0, 2.0], [1, 1])  # what was logged, which reading passes over
    content = dict(state_dict=dict(a=torch.ones(2)), meta=dict(epoch=1, cfg='x = 1'),
                   message_hub=dict(log_scalars=dict(loss=buffer),
                                    runtime_info=dict(eta=np.float64(0.5), names=np.array(['a']))))
    read = load_checkpoint(save(content))
    assert torch.equal(read['state_dict']['a'], torch.ones(2))
    assert read['message_hub']['runtime_info']['eta'] == 0.5


def test_pytorchs_own_allowlist_is_left_as_it_was(save):
    before = set(torch.serialization.get_safe_globals())  # the list has no fixed order
    load_checkpoint(save(dict(a=torch.ones(1))))
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize('kind', ['zip', 'pickle', 'inside'])
def test_a_file_that_would_run_code_runs_none(tmp_path, kind):
    path, evil = tmp_path / 'evil.pth', RunsCode(tmp_path / 'ran')
    if kind == 'pickle':
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil if kind == 'zip' else dict(state_dict=dict(a=torch.ones(1)), meta=evil), path)
    with pytest.raises(CheckpointError, match='asks for .*system; .* could run code|is not a checkpoint') as error:
        load_checkpoint(path)
    assert not (tmp_path / 'ran').exists()
    assert str(path) in str(error.value) and '\n' not in str(error.value)


class Reaches:
    """An object that reaches out through getattr, which MMEngine's checkpoints need for their history buffers."""

    def __init__(self, owner, name):
        self.arguments = (owner, name)

    def __reduce__(self):
        return getattr, self.arguments


@pytest.mark.parametrize('owner, name', [(HistoryBuffer, '__init__'), (torch.Tensor, 'numpy'),
                                         (OneCycleParamScheduler, '_get_value'), (OneCycleParamScheduler, '__init__')])
def test_getattr_reaches_nothing_but_history_buffers_methods(save, owner, name):
    with pytest.raises(CheckpointError):
        load_checkpoint(save(dict(a=Reaches(owner, name))))


@pytest.mark.parametrize('curve', ['cos', 'linear'])
def test_a_one_cycle_schedule_goes_on_where_it_was(save, curve):
    """Its state holds one of its own functions."""
    def schedule():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1, momentum=0.9)
        return OneCycleLR(optimizer, eta_max=1.0, total_steps=9, anneal_strategy=curve)

    before, after = schedule(), schedule()
    [before.step() for _ in range(3)]
    after.load_state_dict(load_checkpoint(save(dict(a=before.state_dict())))['a'])
    values = [[one.step() or one.get_last_value() for _ in range(4)] for one in (before, after)]
    assert values[0] == values[1] and len(set(map(str, values[0]))) == 4


def flip_a_byte_of_a_tensor(path):
    with zipfile.ZipFile(path) as archive:
        info = next(i for i in archive.infolist() if i.filename.endswith('data/0'))
    content = bytearray(path.read_bytes())
    content[info.header_offset + 200 + info.file_size // 2] ^= 1
    path.write_bytes(content)


def test_damage_is_named(save, tmp_path):
    path = save(dict(a=torch.rand(1000)))
    whole = path.read_bytes()
    damaged = {
        'cut.pth': (whole[:len(whole) // 2], 'cut off'),
        'empty.pth': (b'', 'empty'),
        'text.pth': (b'hello, this is no checkpoint', 'is not a checkpoint'),
        'listed.pth': (None, 'holds a list, not a dict of tensors'),
    }
    torch.save([1, 2], tmp_path / 'listed.pth')
    for name, (content, expected) in damaged.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f'{name}: .*{expected}') as error:
            load_checkpoint(tmp_path / name)
        assert '\n' not in str(error.value)
    with pytest.raises(CheckpointError, match='nowhere.pth: no such file'):
        load_checkpoint(tmp_path / 'nowhere.pth')
    flip_a_byte_of_a_tensor(path)
    with pytest.raises(CheckpointError, match='wrong checksum of .*data/0'):
        load_checkpoint(path)


@pytest.mark.filterwarnings('ignore:.*torch.jit')
def test_torchscript_is_named(tmp_path):
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(tmp_path / 'scripted.pt'))
    with pytest.raises(CheckpointError, match='scripted.pt: is TorchScript, which holds code. Save model.state_dict'):
        load_checkpoint(tmp_path / 'scripted.pt')


def test_the_train_command_refuses_a_checkpoint_that_would_run_code(tmp_path, tool):
    torch.save(dict(state_dict={}, meta=RunsCode(tmp_path / 'ran')), tmp_path / 'evil.pth')
    done = tool('train', 'configs/demo/resnet18_scenes.py', '--resume', tmp_path / 'evil.pth')
    last_line = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and last_line.startswith('error: ')
    assert 'could run code' in last_line and not (tmp_path / 'ran').exists()


def test_mmengine_reads_a_history_and_nothing_else(tmp_path, python):
    history = HistoryBuffer([1., 2., 6.], [1, 1, 1])
    torch.save(dict(message_hub=dict(loss=history)), tmp_path / 'run.pth')
    torch.save(dict(meta=AsksForAttribute()), tmp_path / 'evil.pth')
    code = '''
import pickle, sys, torch
from mmresizemix.openmmlab.old_checkpoints import allow
torch.serialization.clear_safe_globals()
allow()
loss = torch.load('run.pth', weights_only=True)['message_hub']['loss']
assert loss.mean(2) == 4 and loss.data[0].tolist() == [1, 2, 6]
try: torch.load('evil.pth', weights_only=True)
except pickle.UnpicklingError as error: print(error)
'''
    done = subprocess.run([python, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert 'getattr of __init__' in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not is_older('mmengine', '0.10.8') or is_older('torch', '2.6'),
                    reason='this MMEngine reads its own checkpoints')
def test_old_mmengine_still_cannot_read_its_own_checkpoints(tmp_path):
    torch.save(dict(message_hub=dict(loss=HistoryBuffer([1.], [1]))), tmp_path / 'run.pth')
    code = ('import torch; from mmengine.runner import load_checkpoint\n'
            'load_checkpoint(torch.nn.Linear(1, 1), "run.pth")')
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert 'Unsupported global' in done.stderr, done.stderr


def test_safetensors_say_what_to_install(tmp_path, python):
    (tmp_path / 'a.safetensors').write_bytes((2).to_bytes(8, 'little') + b'{}')
    code = ('import sys; sys.modules["safetensors"] = None\n'
            'from mmresizemix.transfer import load_checkpoint, CheckpointError\n'
            f'try: load_checkpoint({str(tmp_path / "a.safetensors")!r})\n'
            'except CheckpointError as e: assert "pip install safetensors" in str(e); print("said")')
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    assert 'said' in done.stdout, done.stderr


def test_an_mmengine_that_needs_the_mend_is_still_supported():
    """This test fails when the oldest supported MMEngine reads its own checkpoints. Then remove old_checkpoints.py."""
    assert stack._release(stack.MINIMUM['mmengine']) < (0, 10, 8)
