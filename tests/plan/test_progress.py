"""Tests of how far a plan is, as its logs and records tell."""
import io
import time

import pytest
from rich.console import Console
from test_run_stage import stage

from mmresizemix.plan.progress import duration, read_progress, status_table, time_left
from mmresizemix.plan.stage import State
from mmresizemix.plan.stage_record import StageRecord
from mmresizemix.plan.status import Status
from mmresizemix.runs.learning_rate_choice import LearningRateChoice

LOG = '''01/01 - mmengine - INFO - Epoch(train)  [3][ 50/146]  lr: 4.9545e-03  eta: 1 day, 2:07:41  time: 0.5000  data_time: 0.0053
01/01 - mmengine - INFO - Epoch(val) [2][310/310]    coco/bbox_mAP: 0.2510  coco/bbox_mAP_50: 0.4
'''


def test_progress_is_read_from_the_end_of_the_log(tmp_path):
    one = stage(tmp_path, epochs=12, batch=16)
    assert read_progress(one).epoch == 0
    one.home.mkdir(parents=True)
    one.log.write_text('x' * 100_000 + '\n' + LOG)
    found = read_progress(one)
    assert (found.epoch, found.per_step, found.metric) == (3, 0.5, 'AP 0.2510')
    assert found.left == 26 * 3600 + 7 * 60 + 41
    assert found.share == pytest.approx((2 + 50 / 146) / 12)


def test_the_trials_of_a_learning_rate_are_trainings_too(tmp_path):
    folder = tmp_path / 'ssd/a'
    first = stage(tmp_path, name='a', kind='finetune', epochs=12, folder=folder, trials=3)
    first.home.mkdir(parents=True)
    first.log.write_text(LOG)
    left, share = 26 * 3600 + 7 * 60 + 41, (2 + 50 / 146) / 12
    whole = 12 * 146 * 0.5  # seconds of one training
    found = read_progress(first)
    assert (found.left, found.share) == (left + 3 * whole, pytest.approx(share / 4))
    LearningRateChoice((1., 2., 3.), .1, 0, ((1., .5), (2., None))).write(folder)
    found = read_progress(first)
    assert (found.left, found.share) == (left + whole, pytest.approx((2 + share) / 4))
    # What it has taken is divided among its trainings.
    second = stage(tmp_path, name='b', kind='finetune', folder=tmp_path / 'ssd/b')
    StageRecord(Status.DONE, {}, seconds=400).write(first.record)
    states = {'a': State(Status.DONE), 'b': State(Status.WAITING)}
    assert str(time_left([first, second], states, 1)) == 'about 2 min left'


def test_time_left_is_that_of_alike_stages_shared_out(tmp_path):
    stages = [stage(tmp_path, name=name, kind='finetune', folder=tmp_path / 'ssd' / name)
              for name in 'abc']
    stages.append(stage(tmp_path, name='rcnn', kind='finetune', folder=tmp_path / 'rcnn/rcnn'))
    states = {s.name: State(Status.WAITING) for s in stages}
    assert time_left(stages, states, 1) is None, 'nothing is known yet'
    StageRecord(Status.DONE, {}, seconds=100).write(stages[0].record)
    states['a'] = State(Status.DONE)
    assert str(time_left(stages, states, 1)) == 'about 5 min left', 'another detector counts alike'
    assert str(time_left(stages, states, 2)) == 'about 2 min left'
    states['b'] = State(Status.FAILED)
    assert str(time_left(stages, states, 1)) == 'about 3 min left'


def test_what_is_of_a_kind_that_has_not_run_is_not_guessed(tmp_path):
    stages = [stage(tmp_path, name='hours', kind='pretrain', folder=tmp_path / 'pretrain/hours'),
              stage(tmp_path, name='ssd', kind='finetune', folder=tmp_path / 'ssd/ssd'),
              stage(tmp_path, name='next', kind='pretrain', folder=tmp_path / 'pretrain/next'),
              stage(tmp_path, name='compare', kind='compare')]
    StageRecord(Status.DONE, {}, seconds=7200).write(stages[0].record)
    states = {s.name: State(Status.WAITING) for s in stages} | {'hours': State(Status.DONE)}
    assert str(time_left(stages, states, 1)) == 'more than 2.0 h left'


def test_the_table_shows_every_run_and_why_it_does_not_run(tmp_path):
    running, failed, check = (stage(tmp_path, name=name, epochs=12, batch=16, folder=tmp_path / name)
                              for name in ('running', 'failed', 'check'))
    StageRecord(Status.STARTED, {}, attempts=1, began=time.time() - 60).write(running.record)
    running.log.write_text(LOG)
    states = dict(running=State(Status.RUNNING), failed=State(Status.FAILED, 'out of memory'), check=State(Status.DONE))
    out = io.StringIO()
    Console(file=out, width=110).print(status_table([running, failed, check], 1, states))
    text = out.getvalue()
    assert '1 of 3 stages done' in text and 'failed: out of memory' in text
    assert '3/12' in text and '32.0' in text and '26.1 h' in text and 'AP 0.2510' in text


@pytest.mark.parametrize('seconds, text', [(45, '45 s'), (720, '12 min'), (12600, '3.5 h'),
                                           (180_000, '2.1 days')])
def test_durations_as_people_say_them(seconds, text):
    assert duration(seconds) == text
