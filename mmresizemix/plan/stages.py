"""A plan -> its stages, in an order in which they can be run."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.logging import MMLogger

from ..datasets import Leaks
from ..files import write_if_changed
from ..installed import read_config
from ..results import read_metrics
from ..results.configs import TABLE_ROW, method_of
from ..results.dump import FOLDER, DumpIndex
from ..results.logs import HEADLINES
from ..results.make import REPORT
from ..results.run import RANDOM
from .budget import Budget, small_config
from .data import DataRecord
from .made_of import absent, digest_of, identity, python_tool
from .plan import Detector, Plan, PlanError, Pretraining, read_plan, slug
from .recipe import Recipe
from .stage import Stage

# Atomic writing, and the two newest checkpoints: at any moment one of them is whole. And the best.
KEEP = {'default_hooks.checkpoint.backend_args.backend': 'whole_file',
        'default_hooks.checkpoint.max_keep_ckpts': 2,
        'default_hooks.checkpoint.save_best': 'auto'}


class Start(NamedTuple):
    """What a detector starts from; of random weights there is no file.

    Args:
        round: how many seeds of the pretraining are before this one.
        export: the stage that makes the file.
    """
    round: int
    pretraining: Pretraining
    seed: int = 0
    backbone: Path | None = None
    export: str | None = None


class Builder:
    """Makes the stages of one plan under one root."""

    def __init__(self, plan: Plan, root: Path, budget: Budget | None = None):
        self.plan, self.root, self.budget = plan, root, budget
        self.stages: list[Stage] = []
        self.warnings: list[str] = []
        self.recipes: dict[str, Recipe] = {}
        self.checks: dict[str, tuple[str, DataRecord]] = {}  # by what they check

    def build(self) -> list[Stage]:
        """All stages, each after those it needs; the first seed of every row, then the second of
        each: what is done at any time can be compared."""
        if self.plan.detectors:
            self._detectors()
        else:
            self._classifiers()
        return self.stages

    def _classifiers(self) -> None:
        rows = [self._row(one) for one in self.plan.pretrainings]
        rounds = max(len(row.seeds or ()) for row in rows)
        self._compare([self._classify(row, row.seeds[r]) for r in range(rounds) for row in rows
                       if row.seeds and r < len(row.seeds)], 'pretrain', {})

    def _detectors(self) -> None:
        starts: list[list[Start]] = [[] for _ in self.plan.pretrainings]
        tests: list[str] = []
        for r in range(self._rounds()):
            for one, its_starts in zip(self.plan.pretrainings, starts):
                its_starts += self._starts(one, r)
            for detector in self.plan.detectors:
                for start in chain.from_iterable(starts):
                    seeds = self._seeds(detector, start.pretraining)
                    if r - start.round < len(seeds):
                        tests.append(self._detect(detector, start, seeds[r - start.round]))
            if r == 0:
                leaks = self._leaks()
        self._compare(tests, 'finetune', leaks)

    def _rounds(self) -> int:
        """How many it takes until every pretraining and every detector has had all its seeds."""
        return max(len(one.seeds or ()) if not one.random else 1 for one in self.plan.pretrainings
                   ) + max(len(self._seeds(detector, one)) for detector in self.plan.detectors
                           for one in self.plan.pretrainings) - 1

    def _starts(self, one: Pretraining, r: int) -> list[Start]:
        """What can be started from in round ``r``: the seed of that number, if there is one."""
        if one.random:
            return [Start(0, one)] if r == 0 else []
        return [Start(r, one, seed, *self._backbone(one, seed))
                for seed in (one.seeds or ())[r:r + 1]]

    def _row(self, pretraining: Pretraining) -> Pretraining:
        """With a config of its own, which says what row of the table it is, and is the budget's."""
        cfg = read_config(_config_of(pretraining))
        seeds: Sequence[int] | None = pretraining.seeds
        cfg.merge_from_dict(dict(pretraining.options))
        if self.budget:
            seeds = self.budget.seeds or seeds
            cfg = small_config(cfg, self.budget.pictures, self.budget.epochs)
        cfg[TABLE_ROW] = dict(name=pretraining.name, column=pretraining.column,
                              place=self.plan.pretrainings.index(pretraining))
        for name in [n for n in cfg if n in ('methods', 'operations') or n.startswith('_')]:
            cfg.pop(name)  # of configs/_base_, used up
        path = self.root / 'configs' / f'{slug(pretraining.title)}.py'
        write_if_changed(path, cfg.pretty_text)
        return replace(pretraining, config=path, options={},
                       seeds=None if seeds is None else tuple(seeds))

    def _classify(self, pretraining: Pretraining, seed: int) -> str:
        _, (tested, ) = self._pretrain(pretraining, seed, f'{pretraining.title} {seed}')
        return tested

    def _seeds(self, detector: Detector, pretraining: Pretraining) -> Sequence[int]:
        return pretraining.seeds if pretraining.random and pretraining.seeds else detector.seeds

    def _recipe(self, config: Path, options: Mapping[str, Any]) -> Recipe:
        key = f'{config} {options}'
        if key not in self.recipes:
            recipe = self.recipes[key] = Recipe(config, options, self.plan.gpus_per_run)
            self.warnings += [recipe.warning] if recipe.warning else []
        return self.recipes[key]

    def _add(self, name: str, kind: str, command: Callable[[], list[str]], **settings: Any) -> str:
        self.stages.append(Stage(name, slug(name), kind, self.root / 'stages', command, **settings))
        return name

    def _check(self, recipe: Recipe, title: str) -> tuple[str, DataRecord]:
        data = recipe.data()
        if data not in self.checks:
            record = DataRecord(self.root / 'data' / f'{slug(title)}.json')
            name = self._add(
                f'check data of {title}', 'check',
                lambda: python_tool('check_data', recipe.config, record.path, *recipe.words()),
                inputs=lambda: dict(sets=data), missing=record.missing)
            self.checks[data] = name, record
        return self.checks[data]

    def _leaks(self) -> dict[str, Path]:
        """By the stage that looks for them, where it writes whether detectors are tested on what
        was seen in pretraining; once for the same sets."""
        found: dict[tuple[str, str], tuple[str, Path]] = {}
        for pretraining in (one for one in self.plan.pretrainings if one.config):
            for detector in self.plan.detectors:
                seen = self._recipe(_config_of(pretraining), pretraining.options)
                tested = self._recipe(detector.config, detector.options)
                if (seen.data(), tested.data()) not in found:
                    name = f'find leaks from {pretraining.title} to {detector.name}'
                    found[seen.data(), tested.data()] = self._find_leaks(name, seen, tested)
        return dict(found.values())

    def _find_leaks(self, name: str, seen: Recipe, tested: Recipe) -> tuple[str, Path]:
        checks = [self.checks[recipe.data()] for recipe in (seen, tested)]
        out = self.root / 'data' / f'{slug(name)}.json'

        def command() -> list[str]:
            options = (f'--{which}{word.removeprefix("--cfg")}' if word == '--cfg-options' else word
                       for which, recipe in (('seen', seen), ('tested', tested))
                       for word in recipe.words())
            return python_tool('find_leaks', seen.config, tested.config, out, *options)

        return self._add(name, 'leaks', command, needs=tuple(check for check, _ in checks),
                         inputs=lambda: dict(data=[data.digest() for _, data in checks]),
                         missing=lambda: absent(out)), out

    def _backbone(self, pretraining: Pretraining, seed: int) -> tuple[Path, str]:
        """(the backbone's file, the stage that makes it)."""
        title = f'{pretraining.name} {seed}'
        out = self.root / 'backbones' / f'{slug(title)}.pth'
        needs: tuple[str, ...] = ()
        if pretraining.checkpoint is not None:
            checkpoint = pretraining.checkpoint
        else:
            checkpoint, needs = self._pretrain(pretraining, seed, title)
        method = ('--method', pretraining.method) if pretraining.method else ()
        name = self._add(
            f'export {title}', 'export',
            lambda: python_tool('export_backbone', checkpoint, out, *method), needs=needs,
            inputs=lambda: dict(checkpoint=identity(checkpoint), method=pretraining.method),
            missing=lambda: absent(out))
        return out, name

    def _pretrain(self, pretraining: Pretraining, seed: int,
                  title: str) -> tuple[Path, tuple[str, ...]]:
        recipe = self._recipe(_config_of(pretraining), pretraining.options)
        folder = self.root / 'pretrain' / slug(title)
        check, data = self._check(recipe, pretraining.title)
        self._draw(pretraining, recipe, check)
        checkpoint = folder / f'epoch_{recipe.epochs}.pth'
        name = self._train(f'pretrain {title}', 'pretrain', recipe, folder, seed, (check, ),
                           lambda: dict(data=data.digest()))
        return checkpoint, (self._test(title, recipe, folder, name), )

    def _draw(self, pretraining: Pretraining, recipe: Recipe, check: str) -> None:
        """A picture of mixed batches, for the report."""
        method = method_of(recipe.effective.model.get('train_cfg', {}).get('augments'))
        if method in (None, 'baseline'):
            return
        out = self.root / 'mixes' / f'mixed-by-{slug(pretraining.name)}.png'
        if any(stage.name == f'draw mixes of {pretraining.name}' for stage in self.stages):
            return  # of another column
        self._add(f'draw mixes of {pretraining.name}', 'draw',
                  lambda: python_tool('show_mix', recipe.config, out, *recipe.words()),
                  needs=(check, ), inputs=lambda: recipe.inputs, missing=lambda: absent(out))

    def _detect(self, detector: Detector, start: Start, seed: int) -> str:
        backbone, export = start.backbone, start.export
        recipe = self._recipe(detector.config, detector.options)
        check, data = self._check(recipe, detector.name)
        name = start.pretraining.name + ('' if backbone is None else f' {start.seed}')
        title = f'{detector.name} from {name}, seed {seed}'
        folder = self.root / 'finetune' / slug(detector.name) / slug(f'{name} seed {seed}')
        trained = self._train(
            f'finetune {title}', 'finetune', recipe, folder, seed,
            (check, export) if export else (check, ),
            lambda: dict(data=data.digest(), backbone=digest_of(backbone)),
            '--backbone', RANDOM if backbone is None else backbone)
        return self._test(title, recipe, folder, trained)

    def _train(self, name: str, kind: str, recipe: Recipe, folder: Path, seed: int,
               needs: tuple[str, ...], inputs: Callable[[], dict], *arguments: Any) -> str:
        last = folder / f'epoch_{recipe.epochs}.pth'
        log_to = ('--log-to', *self.plan.log_to) if self.plan.log_to else ()
        command = partial(python_tool, 'train', recipe.config, *recipe.words(**KEEP), '--work-dir',
                          folder, '--seed', seed, '--resume', *arguments, *log_to,
                          processes=recipe.gpus)
        return self._add(name, kind, command, needs=needs, missing=lambda: absent(last),
                         inputs=lambda: {**recipe.inputs, 'seed': seed, **inputs()},
                         folder=folder, processes=recipe.gpus, epochs=recipe.epochs,
                         batch=recipe.batch, cost=recipe.digest(),
                         measure=lambda out: python_tool('measure', recipe.config, out,
                                                         *recipe.words()))

    def _test(self, title: str, recipe: Recipe, folder: Path, trained: str) -> str:
        """Of the last checkpoint, unless training has done it: a run that was killed in its last
        validation ends well without a metric."""
        last = folder / f'epoch_{recipe.epochs}.pth'
        dumps = any(h.get('type') == 'mmresizemix.DetectionDump'
                    for h in recipe.effective.get('custom_hooks', []))

        def missing() -> str | None:
            if not set(HEADLINES) & set(read_metrics(folder, recipe.epochs)):
                return f'epoch {recipe.epochs} has no metric'
            index = DumpIndex.read(folder / FOLDER) if dumps else None
            if dumps and str(recipe.epochs) not in (index.epochs if index else {}):
                return f'the detections of epoch {recipe.epochs} are not there'
            return None

        command = partial(python_tool, 'test', recipe.config, last, *recipe.words(),
                          '--work-dir', folder, processes=recipe.gpus)
        return self._add(f'test {title}', 'test', command, needs=(trained, ), missing=missing,
                         inputs=lambda: dict(checkpoint=identity(last)), made_along=True)

    def _compare(self, tests: Sequence[str], kind: str,
                 leaks: Mapping[str, Path]) -> None:
        out = self.root / 'comparison'
        runs = {s.name: (s.folder, s.epochs) for s in self.stages if s.kind == kind and s.folder}

        def begun() -> list[Path]:  # of this plan: another may have left runs, too
            return [folder for folder, _ in runs.values() if folder.is_dir()]

        baseline = ('--baseline', self.plan.baseline) if self.plan.baseline else ()

        def remark() -> list[str]:
            said = [self.budget.remark] if self.budget else []
            said += [f'{name.replace("find leaks", "Leaks")}: {Leaks.read(path)}'
                     for name, path in leaks.items() if path.is_file()]
            return ['--remark', ' '.join(said)] if said else []

        self._add('compare', 'compare',
                  lambda: python_tool('compare', *(begun() or [self.root]), '--out', out,
                                      '--quiet', '--pictures', self.root / 'mixes', *baseline,
                                      *remark()),
                  needs=(*tests, *leaks), after_failures=True,
                  missing=lambda: absent(out / REPORT),
                  inputs=lambda: {'remark': remark(),
                                  **{name: read_metrics(folder, epochs)
                                     for name, (folder, epochs) in runs.items()}})


def read_stages(plan_file: str | Path, root: Path,
                budget: Budget | None = None) -> tuple[Plan, list[Stage], list[str]]:
    """(the plan, its stages, warnings), with none of what MMEngine tells of configs.

    Raises:
        PlanError: the plan cannot be carried out.
    """
    MMLogger.get_current_instance().setLevel('WARNING')
    plan = read_plan(plan_file)
    if budget:
        if plan.detectors:
            raise PlanError(f'{plan_file}: --budget: expected a plan without detectors')
        plan = replace(plan, gpus_per_run=min(plan.gpus_per_run, budget.gpus))
    return plan, *build(plan, root.resolve(), budget)


def build(plan: Plan, root: Path, budget: Budget | None = None) -> tuple[list[Stage], list[str]]:
    """(the stages of ``plan`` in an order in which they can run, warnings)."""
    builder = Builder(plan, root, budget)
    return builder.build(), builder.warnings


def _config_of(pretraining: Pretraining) -> Path:
    if pretraining.config is None:
        raise PlanError(f'{pretraining.name}: no config to pretrain with')
    return pretraining.config
