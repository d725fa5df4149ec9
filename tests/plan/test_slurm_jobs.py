"""Tests of a plan as arrays of jobs. tests/slurm has the tests of what Slurm makes of them."""
import os
import pickle
from pathlib import Path

import pytest

from mmresizemix.plan.build_stages import build
from mmresizemix.plan.plan import PlanError, read_plan
from mmresizemix.plan.slurm import Jobs, StageJob, arrays, states_on_slurm
from mmresizemix.plan.status import Status

TABLE5 = Path(__file__).parents[2] / 'configs/plans/table5.py'


@pytest.fixture(scope='module')
def table5(tmp_path_factory):
    return build(read_plan(TABLE5), tmp_path_factory.mktemp('root'))[0]


def test_the_arrays_of_table_5(table5):
    found = [([stage.kind for stage in jobs[0]], len(jobs)) for jobs in arrays(table5)]
    assert found.count((['pretrain', 'test', 'export'], 3)) == 1
    assert found.count((['finetune', 'test'], 6)) == 6, \
        'of each pretraining on each set: two detectors, three seeds'
    assert found[-1] == (['compare'], 1)
    jobs = [job for array in arrays(table5) for job in array]
    assert sorted(s.name for job in jobs for s in job) == sorted(s.name for s in table5)


def test_no_job_needs_a_later_one_and_those_of_an_array_need_the_same(table5):
    seen = set()
    for array in arrays(table5):
        needs = [set(job[0].needs) for job in array]
        assert needs[0] <= seen and all(n == needs[0] for n in needs)
        seen |= {stage.name for job in array for stage in job}


def test_what_is_done_is_waited_for_by_nobody(table5):
    rest = [s for s in table5 if s.kind in ('finetune', 'test', 'compare')
            and not s.name.startswith('test baseline')]
    kinds = [([stage.kind for stage in array[0]], len(array)) for array in arrays(rest)]
    assert (['finetune', 'test'], 36) in kinds, 'their needs are done: one array'


def test_what_is_queued_is_still_waited_for(table5):
    exports = [s.name for s in table5 if s.kind == 'export']
    finetunes = [s for s in table5 if s.kind == 'finetune']
    assert [len(array) for array in arrays(finetunes, exports)] == [12] * 3


def test_a_job_is_small_and_can_be_pickled(tmp_path):
    job = StageJob(TABLE5, tmp_path, ['compare'])
    assert vars(pickle.loads(pickle.dumps(job))) == vars(job)
    assert len(pickle.dumps(job)) < 1000


def test_states_of_a_queue(table5):
    check, other = [s for s in table5 if s.kind == 'check'][:2]
    states = states_on_slurm(table5, {check.name: ('7_0', 'RUNNING'), other.name: ('7_1', 'PENDING')})
    assert states[check.name].kind == Status.RUNNING
    assert (states[other.name].kind, states[other.name].reason) == ('queued', 'job 7_1, pending')


def test_without_jobs_slurm_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', '')
    assert Jobs(tmp_path).queue() == {}


@pytest.mark.parametrize('entry, message', [
    ("'gpu'", "slurm: expected a dict like dict(partition='gpu'"), ('dict(queue=1)', 'slurm: unknown: queue'),
    ("dict(minutes='1:00')", "slurm: minutes: expected a whole number of at least 1, got '1:00'")])
def test_settings_that_cannot_be_are_refused(tmp_path, entry, message):
    plan = tmp_path / 'plan.py'
    config = TABLE5.parents[1] / 'ssd/ssd300_r50_8xb8-24e_coco.py'
    plan.write_text(f'''pretrainings = [dict(name='random', random=True)]
detectors = [dict(name='SSD', config={str(config)!r})]
slurm = {entry}''')
    with pytest.raises(PlanError) as refused:
        read_plan(plan)
    assert message in str(refused.value)


def test_the_status_of_a_roots_copy_elsewhere(tool, tmp_path):
    (tmp_path / 'slurm').mkdir()
    (tmp_path / 'slurm/jobs.json').write_text('{"compare": "7"}')
    plan = Path(__file__).parents[2] / 'configs/plans/demo_smoke.py'
    done = tool('transfer', plan, '--root', tmp_path, '--status',
                environment={**os.environ, 'PATH': ''})
    assert done.returncode == 0 and 'warning: squeue' in done.stdout and '0 of 25' in done.stdout
    done = tool('transfer', plan, '--root', tmp_path, environment={**os.environ, 'PATH': ''})
    assert done.returncode == 1 and 'Run this on a machine with Slurm' in done.stderr


def test_without_slurm_it_is_said_in_a_line(tool, tmp_path):
    plan = Path(__file__).parents[2] / 'configs/plans/demo_smoke.py'
    done = tool('transfer', plan, '--root', tmp_path, '--executor', 'slurm',
                environment={**os.environ, 'PATH': ''})
    assert done.returncode == 1 and 'srun' in done.stderr.splitlines()[-1]
