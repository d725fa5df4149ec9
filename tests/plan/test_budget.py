"""Tests of plans of classifiers and of their small budget: what it changes, and that what is under test stays. One plan
is carried out from pictures to table."""
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from PIL import Image

from mmresizemix.plan.budget import Budget, list_pictures, small_config
from mmresizemix.plan.build_stages import read_stages
from mmresizemix.plan.plan import PlanError, read_plan
from mmresizemix.policies.epoch import following_epochs
from mmresizemix.report.paper_values import TOP1
from mmresizemix.runs.run_config import TABLE_ROW

ROOT = Path(__file__).resolve().parents[2]
TABLES = {name: ROOT / f'configs/plans/table{name}.py' for name in (1, 2, 3, 4, 6, 7, 8)}
SETS = {1: 'CIFAR-100', 2: 'CIFAR-10', 3: 'CIFAR-100', 4: 'ImageNet', 7: 'CIFAR-100',
        8: 'CIFAR-100'}
WRN = 'WRN-28-10'


def draw(folder, count, seed=0):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        size = tuple(rng.integers(40, 90, 2))
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f'{i}.jpg')


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pictures')
    for k, (part, count) in enumerate((('train', 8), ('val', 3))):
        for name in ('cat', 'dog', 'my bird'):
            draw(folder / part / name, count, k)
    return folder


@pytest.mark.parametrize('table', TABLES)
def test_a_table_is_a_plan_of_the_papers_rows(table):
    plan = read_plan(TABLES[table])
    assert not plan.detectors and all(p.config and p.seeds for p in plan.pretrainings)
    assert 'baseline' in {p.name for p in plan.pretrainings}
    for p in plan.pretrainings:
        network, dataset = p.column or WRN, SETS.get(table)
        if table == 6:
            dataset, network = p.column.split(', ')
        known = TOP1[dataset, network]
        assert p.name in known or network.startswith('Shake'), 'the paper has no such row'


def test_table_2_has_every_method_for_both_networks():
    plan = read_plan(TABLES[2])
    assert len(plan.pretrainings) == 24
    assert {p.column for p in plan.pretrainings} == {WRN, 'Shake-Shake 26 2x96d'}
    assert {p.seeds for p in plan.pretrainings} == {(0, 1, 2)}, "the plan's seeds are theirs"
    for p in plan.pretrainings:
        assert p.config.name.startswith('shake') == p.column.startswith('Shake')


def test_its_stages_are_trainings_and_one_table(tmp_path):
    _, stages, _ = read_stages(TABLES[8], tmp_path)
    kinds = [s.kind for s in stages]
    assert kinds.count('pretrain') == kinds.count('test') == 15 and kinds.count('check') == 1
    assert kinds[-1] == 'compare' and not {'export', 'finetune'} & set(kinds)
    row = Config.fromfile(tmp_path / 'configs/resizemix-0-2-0-8.py')
    assert row.model.train_cfg.augments.scale_range == (0.2, 0.8)
    assert row[TABLE_ROW] == dict(name='ResizeMix 0.2-0.8', column=None, place=4)
    assert not {'methods', 'operations'} & set(row)


@pytest.mark.parametrize('table', TABLES)
def test_every_row_of_every_table_has_a_small_budget(table, pictures, tmp_path):
    listed = list_pictures(pictures, tmp_path / 'lists')
    init_default_scope('mmpretrain')
    for entry in read_plan(TABLES[table]).pretrainings:
        full = Config.fromfile(entry.config)
        full.merge_from_dict(dict(entry.options))
        small = small_config(full, listed, epochs=2)
        assert small.train_cfg.max_epochs == small.param_scheduler.T_max == 2
        assert small.model.head.num_classes == small.data_preprocessor.num_classes == 3
        assert small.model.get('train_cfg') == full.model.get('train_cfg'), 'is under test'
        assert small.train_dataloader.get('sampler') == full.train_dataloader.get('sampler')
        steps = [[t.type for t in cfg.train_dataloader.dataset.pipeline] for cfg in (full, small)]
        assert steps[1][-len(steps[0]):] == steps[0], 'the pipeline is under test'
        cifar = 'cifar' in entry.config.name
        side = (32 if cifar else 64) // (2 if 'half' in str(entry.config) else 1)
        for loader, part in ((small.train_dataloader, 'train'), (small.val_dataloader, 'val')):
            pipeline = Compose(loader.dataset.pipeline)
            for transform in following_epochs(pipeline.transforms):
                transform.set_epoch(0, 2)
            found = pipeline(dict(img_path=str(pictures / part / 'cat/0.jpg'), gt_label=0))
            assert found['inputs'].shape == (3, side, side)


def test_a_folder_that_is_split(pictures, tmp_path):
    found = list_pictures(pictures, tmp_path)
    assert found.classes == ('cat', 'dog', 'my bird')
    lines = [path.read_text().splitlines() for path in found.lists]
    assert [len(part) for part in lines] == [24, 9]
    assert lines[0][0] == 'train/cat/0.jpg 0' and lines[1][-1] == 'val/my bird/2.jpg 2'


def test_one_that_is_not_is_split_the_same_way_every_time(tmp_path):
    for name in ('a', 'b'):
        draw(tmp_path / 'all' / name, 60)
    parts = [list_pictures(tmp_path / 'all', tmp_path / str(k)).lists for k in (0, 1)]
    train, val = ([p.read_text() for p in both] for both in zip(*parts))
    assert train[0] == train[1] and val[0] == val[1]
    listed = [line for text in (train[0], val[0]) for line in text.splitlines()]
    assert len(set(listed)) == len(listed) == 120
    assert 4 <= len(val[0].splitlines()) <= 24


def nothing(folder):
    pass


def one_class(folder):
    draw(folder / 'train/cat', 2)
    draw(folder / 'val/cat', 2)


def no_pictures(folder):
    for part in ('train', 'val'):
        for name in ('cat', 'dog'):
            (folder / part / name).mkdir(parents=True)


def no_validation(folder):
    for name in ('cat', 'dog'):
        draw(folder / 'train' / name, 2)
    draw(folder / 'val/cat', 2)


@pytest.mark.parametrize('make, named', [
    (nothing, 'no such folder'), (one_class, 'at least 2 classes, got 1'),
    (no_pictures, 'cat: no pictures for train'), (no_validation, 'dog: no pictures for val')])
def test_folders_that_will_not_do(tmp_path, make, named):
    make(tmp_path / 'mine')
    with pytest.raises(PlanError, match=f'--data: .*{named}'):
        list_pictures(tmp_path / 'mine', tmp_path / 'lists')


def test_a_plan_with_detectors_has_no_budget(pictures, tmp_path):
    with pytest.raises(PlanError, match='--budget: expected a plan without detectors'):
        read_stages(ROOT / 'configs/plans/table5.py', tmp_path,
                    Budget(list_pictures(pictures, tmp_path)))


@pytest.mark.parametrize('settings, said', [
    (dict(seeds=[1, 1]), r'--seeds: expected different numbers .* got \[1, 1\]'),
    (dict(epochs=0), '--epochs: expected at least 1, got 0')])
def test_budgets_that_will_not_do(pictures, tmp_path, settings, said):
    with pytest.raises(PlanError, match=said):
        Budget(list_pictures(pictures, tmp_path), **settings)


def test_from_pictures_to_a_table(pictures, tmp_path, python):
    """The plan has two rows and two seeds. Afterwards, the same command has nothing to do."""
    plan = tmp_path / 'small.py'
    plan.write_text(f'''pretrainings = [
    dict(name='baseline', config={str(ROOT / "configs/cifar/wrn28-10_1xb256-200e_cifar100.py")!r}),
    dict(name='cut salient → random', config={str(
        ROOT / "configs/saliency_study/wrn28-10_1xb256-cut-salient-to-random-200e_cifar100.py")!r})]
seeds = [0, 1, 2]
''')
    command = [python, '-W', 'ignore', ROOT / 'tools/transfer.py', plan, '--root',
               tmp_path / 'root', '--budget', 'small', '--data', pictures, '--epochs', '1', '--seeds',
               '4', '2']
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "This is not the paper's experiment" in done.stdout
    table = json.loads((tmp_path / 'root/comparison/table.json').read_text())
    assert table['remark'].startswith("This is not the paper's experiment")
    assert [row['name'] for row in table['rows']] == ['baseline', 'cut salient → random']
    assert [[run['seed'] for run in cell['runs']] for cell in table['cells']] == [[2, 4], [2, 4]]
    assert not [f for f in table['faults'] if f['bad']]
    text = (tmp_path / 'root/comparison/table.md').read_text()
    assert text.startswith("**This is not the paper's") and 'ResizeMix paper' not in text
    again = subprocess.run([*command, '--dry-run'], capture_output=True, text=True, timeout=120)
    assert again.stdout.splitlines()[-1] == '11 of 11 stages are done.', again.stdout
