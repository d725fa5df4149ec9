"""Tests of reading a plan, and of the stages that it becomes."""
import argparse
import re
import runpy
from pathlib import Path

import pytest
from mmengine.config import DictAction

from mmresizemix.datasets import Leaks
from mmresizemix.openmmlab.installed import read_config
from mmresizemix.plan import PlanError, read_plan
from mmresizemix.plan.build_stages import build
from mmresizemix.plan.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
PLANS = ROOT / 'configs/plans'
SSD = ROOT / 'configs/ssd/ssd300_r50_8xb8-24e_coco.py'
CLASSIFIER = str(ROOT / 'configs/demo/resnet18_scenes.py')
DETECTORS = f"detectors = [dict(name='SSD', config={str(SSD)!r})]\n"
RANDOM = "pretrainings = [dict(name='random weights', random=True)]\n"


def plan(folder: Path, text: str) -> Path:
    path = folder / 'my_plan.py'
    path.write_text(text)
    return path


@pytest.mark.parametrize('text, reason', [
    (RANDOM, 'detectors: expected a list'),
    (DETECTORS, 'pretrainings: expected a list'),
    (RANDOM + DETECTORS + 'sedes = [0]', 'unknown: sedes; known: .*seeds'),
    (RANDOM + DETECTORS + 'seeds = [0, 0]', r'seeds: expected different numbers .* got \[0, 0\]'),
    (RANDOM + DETECTORS + "seeds = ['a']", 'seeds: expected different numbers'),
    (RANDOM + DETECTORS + "log_to = ['paper']", r"log_to: expected .*mlflow.* got \['paper'\]"),
    (RANDOM + DETECTORS + "log_to = [dict(type='WandbVisBackend')]", 'log_to: expected a list of'),
    (RANDOM + DETECTORS + "log_to = 'mlflow'", "log_to: expected a list of .* got 'mlflow'"),
    (RANDOM + DETECTORS + "gpus_per_run = '8'", r"gpus_per_run: expected a whole .* got '8'"),
    (RANDOM + DETECTORS + 'runs_per_gpu = 0', 'runs_per_gpu: expected a whole number of at least 1'),
    (RANDOM + DETECTORS + 'runs_per_gpu = 2', 'runs_per_gpu: .*expected gpus_per_run = 1, got 0'),
    (RANDOM + DETECTORS + 'runs_per_gpu = 2\ngpus_per_run = 8', 'expected gpus_per_run = 1, got 8'),
    (RANDOM + DETECTORS + 'at_once = 0', 'at_once: expected a whole number of at least 1, got 0'),
    (DETECTORS + "pretrainings = [dict(name='a')]", 'exactly one of config, checkpoint'),
    (DETECTORS + "pretrainings = [dict(name='a', random=True, config='b')]", 'exactly one of'),
    (DETECTORS + "pretrainings = [dict(name='a', config='absent.py')]", 'no such file: .*absent.py'),
    (DETECTORS + "pretrainings = [dict(name='a', random=True, options={'x': 1})]", 'neither method'),
    (RANDOM + DETECTORS.replace(']', f", dict(name='ssd', config={str(SSD)!r})]"), 'names must differ'),
])
def test_what_a_plan_does_not_have_is_said(tmp_path, text, reason):
    with pytest.raises(PlanError, match=reason) as error:
        read_plan(plan(tmp_path, text))
    assert 'my_plan.py' in str(error.value) and '\n' not in str(error.value)


def test_paths_start_at_the_plan(tmp_path):
    (tmp_path / 'epoch_300.pth').touch()
    text = DETECTORS + "pretrainings = [dict(name='mine', checkpoint='epoch_300.pth', method='m')]"
    [one] = read_plan(plan(tmp_path, text)).pretrainings
    assert one.checkpoint == tmp_path / 'epoch_300.pth' and one.seeds == (0, )
    with pytest.raises(PlanError, match='a finished checkpoint is one pretraining'):
        read_plan(plan(tmp_path, text.replace("method='m'", 'seeds=[0, 1]')))


def test_table_5_is_three_pretrainings_four_detectors_three_seeds(tmp_path):
    stages, warnings = build(read_plan(PLANS / 'table5.py'), tmp_path)
    kinds = [stage.kind for stage in stages]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == dict(
        check=3, pretrain=3, test=3 + 36, export=3, draw=2, finetune=36, leaks=2, compare=1)
    assert warnings == [] and len({s.slug for s in stages}) == len(stages)
    assert len({s.folder for s in stages if s.folder}) == 39
    seen = set()
    for stage in stages:
        assert set(stage.needs) <= seen, 'in an order in which they can run'
        seen.add(stage.name)


def test_the_report_says_of_each_detector_whether_its_test_pictures_were_seen(tmp_path):
    stages, _ = build(read_plan(PLANS / 'demo.py'), tmp_path)
    *others, compare = stages
    assert '--remark' not in compare.command(), 'of what is unknown, nothing'
    for tested, stage in enumerate((s for s in others if s.kind == 'leaks'), 150):
        Leaks(seen=1200, tested=tested, unreadable=0, pairs=()).write(tmp_path / f'data/{stage.slug}.json')
    command = compare.command()
    remark = command[command.index('--remark') + 1]
    assert 'Leaks from baseline to SSD on COCO: None of 150 test pictures' in remark
    assert 'Leaks from baseline to Faster R-CNN on VOC: None of 151 test pictures' in remark


def test_the_first_seed_of_every_row_comes_before_the_second_of_any(tmp_path):
    config = str(ROOT / 'configs/demo/resnet18_scenes.py')
    text = DETECTORS + f"""
pretrainings = [dict(name='a', config={config!r}, seeds=[5, 3]),
                dict(name='b', config={config!r}, options={{'train_cfg.max_epochs': 1}}),
                dict(name='random weights', random=True, seeds=[7, 8])]
seeds = [0, 1]"""
    stages, _ = build(read_plan(plan(tmp_path, text)), tmp_path)
    assert [s.name for s in stages if s.kind in ('pretrain', 'finetune', 'compare')] == [
        'pretrain a 5', 'pretrain b 0', 'finetune SSD from a 5, seed 0', 'finetune SSD from b 0, seed 0',
        'finetune SSD from random weights, seed 7',
        'pretrain a 3', 'finetune SSD from a 5, seed 1', 'finetune SSD from a 3, seed 0',
        'finetune SSD from b 0, seed 1', 'finetune SSD from random weights, seed 8',
        'finetune SSD from a 3, seed 1', 'compare']


def test_every_stage_is_a_tool_of_ours_with_the_seed_and_the_backbone(tmp_path):
    stages, _ = build(read_plan(PLANS / 'table5.py'), tmp_path)
    one = next(s for s in stages if s.name == 'finetune SSD300 on VOC from ResizeMix 0, seed 2')
    words = list(one.command())
    assert '--nproc_per_node 8' in ' '.join(words) and 'pytorch' in words
    assert words[words.index('--seed') + 1] == '2'
    assert words[words.index('--backbone') + 1] == str(tmp_path / 'backbones/resizemix-0.pth')
    assert 'default_hooks.checkpoint.backend_args.backend=whole_file' in words
    assert '--resume' in words and all(Path(w).is_file() for w in words if w.endswith('.py'))


def test_every_training_is_logged_where_the_plan_says(tmp_path):
    text = DETECTORS + RANDOM
    plain, logged = (build(read_plan(plan(tmp_path, text + more)), tmp_path)[0]
                     for more in ('', "log_to = ['tensorboard', 'mlflow']"))
    for before, after in zip(plain, logged, strict=True):
        added = ['--log-to', 'tensorboard', 'mlflow'] if after.kind == 'finetune' else []
        assert list(after.command()) == [*before.command(), *added]
        if after.kind == 'finetune':
            assert after.folder == before.folder, 'what is trained stays the same'


@pytest.mark.parametrize('gpus, batch, warned', [(8, 8, False), (4, 16, False), (1, 64, False),
                                                 (6, 11, True), (0, 8, False)])
def test_the_total_batch_is_kept_whatever_the_gpus(gpus, batch, warned):
    """SSD's config is for 8 GPUs with 8 pictures each, and its learning rate is that of 64 pictures."""
    recipe = Recipe(SSD, {}, gpus)
    assert recipe.effective.train_dataloader.batch_size == batch
    assert (recipe.warning is not None) is warned
    if warned:
        assert 'is not divisible by 6 GPUs: it is 66' in recipe.warning


def test_a_rate_that_the_user_scales_keeps_the_batch_of_a_gpu():
    recipe = Recipe(SSD, {'auto_scale_lr.enable': True}, 2)
    assert recipe.effective.train_dataloader.batch_size == 8 and recipe.warning is None


@pytest.mark.parametrize('value', [1, 1e-10, True, None, 'SGD', [1, [2.5, None]], (1, 2), (1, ), [], ['a', 'b']])
def test_a_stage_reads_the_options_of_its_plan(value):
    recipe = Recipe(SSD, {'resume': value}, 1)
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    cfg = read_config(SSD)
    cfg.merge_from_dict(parser.parse_args(recipe.words()).cfg_options)
    assert cfg.to_dict() == recipe.effective.to_dict()


def test_every_row_replaces_what_its_options_delete(tmp_path):
    """MMEngine takes ``_delete_`` out of what it merges, but two rows may share their options."""
    text = DETECTORS + f"""
_scheduler = dict(_delete_=True, type='OneCycleLR', eta_max=0.1, total_steps=3)
pretrainings = [dict(name=name, config={CLASSIFIER!r}, options=dict(param_scheduler=_scheduler))
                for name in ('one', 'another')]
"""
    read = read_plan(plan(tmp_path, text))
    build(read, tmp_path)
    for row in read.pretrainings:
        cfg = Recipe(row.config, row.options, 0).effective
        assert cfg.param_scheduler == dict(type='OneCycleLR', eta_max=0.1, total_steps=3)


@pytest.mark.parametrize('value', ['1', 'a,b', 'a b', '[x]', 'True', [dict(type='LinearLR')], Path('x')])
def test_an_option_that_a_stage_would_read_as_something_else_is_refused(value):
    with pytest.raises(PlanError, match=re.escape(f'options: resume={value!r} cannot be given on')):
        Recipe(SSD, {'resume': value}, 1)


def test_inputs_know_what_decides_the_result_and_nothing_else():
    plain = Recipe(SSD, {}, 8).inputs
    assert Recipe(SSD, {'optim_wrapper.optimizer.lr': 0.5}, 8).inputs != plain
    assert Recipe(SSD, {'train_cfg.max_epochs': 2}, 8).inputs != plain
    for harmless in ({'train_dataloader.num_workers': 1}, {'default_hooks.logger.interval': 1}):
        assert Recipe(SSD, harmless, 8).inputs == plain
    assert Recipe(SSD, {}, 4).inputs != plain, 'BatchNorm sees other batches'


def test_one_set_is_looked_at_once(tmp_path):
    stages, _ = build(read_plan(PLANS / 'demo.py'), tmp_path)
    checks = [s.name for s in stages if s.kind == 'check']
    assert checks == ['check data of baseline', 'check data of SSD on COCO',
                      'check data of Faster R-CNN on VOC']


def test_the_smoke_plan_has_the_stages_of_the_demo_with_one_seed(tmp_path):
    full, smoke = (read_plan(PLANS / f'{name}.py') for name in ('demo', 'demo_smoke'))
    assert [p.name for p in full.pretrainings] == [p.name for p in smoke.pretrainings]
    assert [d.name for d in full.detectors] == [d.name for d in smoke.detectors]
    assert {d.seeds for d in smoke.detectors} == {(0, )}
    assert {s.epochs for s in build(smoke, tmp_path)[0] if s.epochs} == {2}


def test_the_search_behind_the_demo_changes_the_epochs_alone(tmp_path):
    search = runpy.run_path(str(ROOT / 'docs/scripts/demo_search.py'))
    text = search['PLAN'].format(configs=ROOT / 'configs', epochs=38)
    demo, found = read_plan(PLANS / 'demo.py'), read_plan(plan(tmp_path, text))
    assert [d.config for d in found.detectors] == [d.config for d in demo.detectors]
    for one, searched in zip(demo.pretrainings, found.pretrainings):  # the demo has random weights, too
        changed = dict(searched.options.items() - one.options.items())
        assert list(changed.values()) == [38] * 4 and one.options.keys() == searched.options.keys()
