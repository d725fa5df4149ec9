"""The stages of a plan, in an order in which they can run."""
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ..datasets import Leaks
from ..files import write_if_changed
from ..openmmlab.config_parts import merge_options
from ..openmmlab.installed import drop_helpers, read_config
from ..report.make import REPORT
from ..runs import read_metrics
from ..runs.detection_index import FOLDER, DumpIndex
from ..runs.learning_rate_choice import LearningRateChoice
from ..runs.logs import HEADLINES
from ..runs.method_name import BASELINE, method_of
from ..runs.run import RANDOM
from ..runs.run_config import TABLE_ROW
from .budget import Budget, small_config
from .data import DataCheck
from .made_of import absent, digest_of, identity, python_tool
from .plan import Detector, Plan, PlanError, Pretraining, read_plan, slug
from .recipe import Recipe
from .stage import Stage

# Write checkpoints whole or not at all. Keep the two newest, so that one of them is whole at any
# moment, and the best.
KEEP = {'default_hooks.checkpoint.backend_args.backend': 'whole_file',
        'default_hooks.checkpoint.max_keep_ckpts': 2,
        'default_hooks.checkpoint.save_best': 'auto'}


class Start(NamedTuple):
    """A start of fine-tuning: one seed of a pretraining, or random weights.

    Args:
        round: the number of seeds of the pretraining before this one.
        backbone: the backbone file, or None for random weights.
        export: the name of the stage that writes this file, or None for random weights.
    """
    round: int
    pretraining: Pretraining
    seed: int = 0
    backbone: Path | None = None
    export: str | None = None


class Rate(NamedTuple):
    """How a run gets its learning rate. By default, it is that of its config.

    Args:
        needs: the names of the stages that must be done before.
        arguments: the arguments of the training.
        inputs: returns what the rate depends on, by name.
        trials: the number of trainings that choose it.
    """
    needs: tuple[str, ...] = ()
    arguments: tuple[Any, ...] = ()
    inputs: Callable[[], dict[str, Any]] = dict
    trials: int = 0


class Builder:
    """Makes the stages of one plan, with all their files under one root."""

    def __init__(self, plan: Plan, root: Path, budget: Budget | None = None):
        self.plan, self.root, self.budget = plan, root, budget
        self.stages: list[Stage] = []
        self.warnings: list[str] = []
        self.recipes: dict[str, Recipe] = {}
        self.checks: dict[str, tuple[str, DataCheck]] = {}  # by the data that they check
        # The run that chooses the learning rate for a detector and a pretraining: its stage and
        # folder, by their names.
        self.choosers: dict[tuple[str, str], tuple[str, Path]] = {}

    def build(self) -> list[Stage]:
        """Return all stages, each after those that it needs.

        The first seed of every row comes first, then the second seed of every row, and so on.
        What is done at any time can so be compared.
        """
        if self.plan.detectors:
            self._detectors()
        else:
            self._classifiers()
        return self.stages

    def _classifiers(self) -> None:
        # One round per seed: see build().
        rows = [self._row(one) for one in self.plan.pretrainings]
        rounds = max(len(row.seeds or ()) for row in rows)
        self._compare([self._classify(row, row.seeds[r]) for r in range(rounds) for row in rows
                       if row.seeds and r < len(row.seeds)], 'pretrain', {})

    def _detectors(self) -> None:
        starts: list[list[Start]] = [[] for _ in self.plan.pretrainings]
        tests: list[str] = []
        for r in range(self._rounds()):
            # Add the start of this round for each pretraining, then fine-tune once from each of the
            # starts so far that has seeds left. A start of round k gets its first seed in round k.
            for one, its_starts in zip(self.plan.pretrainings, starts):
                its_starts += self._starts(one, r)
            for detector in self.plan.detectors:
                for start in chain.from_iterable(starts):
                    seeds = self._seeds(detector, start.pretraining)
                    if r - start.round < len(seeds):
                        tests.append(self._detect(detector, start, seeds[r - start.round]))
            # Looking for leaks needs the checks of all data, which the first round has added.
            if r == 0:
                leaks = self._leaks()
        self._compare(tests, 'finetune', leaks)

    def _rounds(self) -> int:
        """Return the number of rounds after which every pretraining and every detector has had all
        its seeds."""
        return max(len(one.seeds or ()) if not one.random else 1 for one in self.plan.pretrainings
                   ) + max(len(self._seeds(detector, one)) for detector in self.plan.detectors
                           for one in self.plan.pretrainings) - 1

    def _starts(self, one: Pretraining, r: int) -> list[Start]:
        """Return the start that a pretraining adds in round ``r``: its seed of that number, if it
        has one. Random weights are one start, in round 0."""
        if one.random:
            return [Start(0, one)] if r == 0 else []
        return [Start(r, one, seed, *self._backbone(one, seed))
                for seed in (one.seeds or ())[r:r + 1]]

    def _row(self, pretraining: Pretraining) -> Pretraining:
        """Return ``pretraining`` with a config of its own, written under the root.

        This config holds the options, says which row of the table the run is for, and is small if
        there is a budget.
        """
        cfg = read_config(_config_of(pretraining))
        seeds: Sequence[int] | None = pretraining.seeds
        merge_options(cfg, pretraining.options)
        if self.budget:
            seeds = self.budget.seeds or seeds
            cfg = small_config(cfg, self.budget.pictures, self.budget.epochs)
        cfg[TABLE_ROW] = dict(name=pretraining.name, column=pretraining.column,
                              place=self.plan.pretrainings.index(pretraining))
        drop_helpers(cfg)
        path = self.root / 'configs' / f'{slug(pretraining.title)}.py'
        write_if_changed(path, cfg.pretty_text)
        return replace(pretraining, config=path, options={},
                       seeds=None if seeds is None else tuple(seeds))

    def _classify(self, pretraining: Pretraining, seed: int) -> str:
        _, (tested, ) = self._pretrain(pretraining, seed, f'{pretraining.title} {seed}')
        return tested

    def _seeds(self, detector: Detector, pretraining: Pretraining) -> Sequence[int]:
        return pretraining.seeds if pretraining.random and pretraining.seeds else detector.seeds

    def _recipe(self, config: Path, options: Mapping[str, Any],
                detector: Detector | None = None) -> Recipe:
        # Reading a config is slow, and many stages share one.
        key = f'{config} {options} {detector and (detector.frozen, detector.label_fraction)}'
        if key not in self.recipes:
            recipe = self.recipes[key] = Recipe(
                config, options, self.plan.gpus_per_run, detector)
            self.warnings += [recipe.warning] if recipe.warning else []
        return self.recipes[key]

    def _add(self, name: str, kind: str, command: Callable[[], list[str]], **settings: Any) -> str:
        self.stages.append(Stage(name, slug(name), kind, self.root / 'stages', command, **settings))
        return name

    def _check(self, recipe: Recipe, title: str) -> tuple[str, DataCheck]:
        data = recipe.data()
        if data not in self.checks:
            record = DataCheck(self.root / 'data' / f'{slug(title)}.json')
            name = self._add(
                f'check data of {title}', 'check',
                lambda: python_tool('check_data', recipe.config, record.path, *recipe.words()),
                inputs=lambda: dict(sets=data), missing=record.missing)
            self.checks[data] = name, record
        return self.checks[data]

    def _leaks(self) -> dict[str, Path]:
        """Add stages that look for test pictures of detectors that pretraining has seen.

        There is one stage for each pair of pretraining data and detector data.

        Returns:
            The file that each stage writes its result to, by the name of the stage.
        """
        found: dict[tuple[str, str], tuple[str, Path]] = {}
        for pretraining in (one for one in self.plan.pretrainings if one.config):
            for detector in self.plan.detectors:
                seen = self._recipe(_config_of(pretraining), pretraining.options)
                tested = self._recipe(detector.config, detector.options, detector)
                if (seen.data(), tested.data()) not in found:
                    name = f'find leaks from {pretraining.title} to {detector.name}'
                    found[seen.data(), tested.data()] = self._find_leaks(name, seen, tested)
        return dict(found.values())

    def _find_leaks(self, name: str, seen: Recipe, tested: Recipe) -> tuple[str, Path]:
        checks = [self.checks[recipe.data()] for recipe in (seen, tested)]
        out = self.root / 'data' / f'{slug(name)}.json'

        def command() -> list[str]:
            # The tool takes two configs: --seen-options and --tested-options replace --cfg-options.
            options = (f'--{which}{word.removeprefix("--cfg")}' if word == '--cfg-options' else word
                       for which, recipe in (('seen', seen), ('tested', tested))
                       for word in recipe.words())
            return python_tool('find_leaks', seen.config, tested.config, out, *options)

        return self._add(name, 'leaks', command, needs=tuple(check for check, _ in checks),
                         inputs=lambda: dict(data=[data.digest() for _, data in checks]),
                         missing=lambda: absent(out)), out

    def _backbone(self, pretraining: Pretraining, seed: int) -> tuple[Path, str]:
        """Add the stages that make a backbone file. Return the file, and the name of the stage that
        writes it."""
        title = f'{pretraining.name} {seed}'
        out = self.root / 'backbones' / f'{slug(title)}.pth'
        needs: tuple[str, ...] = ()
        if pretraining.checkpoint is not None:
            checkpoint = pretraining.checkpoint
        else:
            checkpoint, needs = self._pretrain(pretraining, seed, title)
        said = {name: value for name in ('method', 'recipe', 'prefix')
                if (value := getattr(pretraining, name))}
        words = [word for name, value in said.items() for word in (f'--{name}', value)]
        name = self._add(
            f'export {title}', 'export',
            lambda: python_tool('export_backbone', checkpoint, out, *words), needs=needs,
            inputs=lambda: dict(checkpoint=identity(checkpoint), method=None) | said,
            missing=lambda: absent(out))
        return out, name

    def _pretrain(self, pretraining: Pretraining, seed: int,
                  title: str) -> tuple[Path, tuple[str, ...]]:
        # Check the data, train, and test the last checkpoint.
        recipe = self._recipe(_config_of(pretraining), pretraining.options)
        folder = self.root / 'pretrain' / slug(title)
        check, data = self._check(recipe, pretraining.title)
        self._draw(pretraining, recipe, check)
        checkpoint = folder / f'epoch_{recipe.epochs}.pth'
        name = self._train(f'pretrain {title}', 'pretrain', recipe, folder, seed, (check, ),
                           lambda: dict(data=data.digest()))
        return checkpoint, (self._test(title, recipe, folder, name), )

    def _draw(self, pretraining: Pretraining, recipe: Recipe, check: str) -> None:
        """Add a stage that draws mixed batches of a method, for the report."""
        method = method_of(recipe.effective)
        if method in (None, BASELINE):
            return
        out = self.root / 'mixes' / f'mixed-by-{slug(pretraining.name)}.png'
        if any(stage.name == f'draw mixes of {pretraining.name}' for stage in self.stages):
            return  # the row was drawn for another column
        self._add(f'draw mixes of {pretraining.name}', 'draw',
                  lambda: python_tool('show_mix', recipe.config, out, *recipe.words()),
                  needs=(check, ), inputs=lambda: recipe.inputs, missing=lambda: absent(out))

    def _detect(self, detector: Detector, start: Start, seed: int) -> str:
        backbone, export = start.backbone, start.export
        recipe = self._recipe(detector.config, detector.options, detector)
        check, data = self._check(recipe, detector.name)
        name = start.pretraining.name + ('' if backbone is None else f' {start.seed}')
        title = f'{detector.name} from {name}, seed {seed}'
        folder = self.root / 'finetune' / slug(detector.name) / slug(f'{name} seed {seed}')
        needs = (check, export) if export else (check, )
        rate = self._rate(detector, start, title, folder)
        trained = self._train(
            f'finetune {title}', 'finetune', recipe, folder, seed, (*needs, *rate.needs),
            lambda: dict(data=data.digest(), backbone=digest_of(backbone)) | rate.inputs(),
            '--backbone', RANDOM if backbone is None else backbone, *rate.arguments,
            trials=rate.trials)
        return self._test(title, recipe, folder, trained)

    def _rate(self, detector: Detector, start: Start, title: str, folder: Path) -> Rate:
        """Return how a run gets its learning rate: the first run of a detector from a pretraining
        chooses it, and the others take it from there."""
        rates, held_out = detector.learning_rates, detector.held_out
        if not rates:
            return Rate()
        key = (detector.name, start.pretraining.name)
        if key not in self.choosers:
            self.choosers[key] = f'finetune {title}', folder
            return Rate(arguments=('--learning-rates', *map(str, rates), '--held-out', held_out),
                        inputs=lambda: dict(learning_rates=rates, held_out=held_out),
                        trials=len(rates))
        stage, chooser = self.choosers[key]

        def chosen() -> dict[str, Any]:
            choice = LearningRateChoice.read(chooser)
            return dict(learning_rate=choice.chosen if choice else None)

        return Rate((stage, ), ('--learning-rate-of', chooser), chosen)

    def _train(self, name: str, kind: str, recipe: Recipe, folder: Path, seed: int,
               needs: tuple[str, ...], inputs: Callable[[], dict], *arguments: Any,
               trials: int = 0) -> str:
        # The command always resumes, and so goes on where an earlier attempt has ended, if any.
        last = folder / f'epoch_{recipe.epochs}.pth'
        log_to = ('--log-to', *self.plan.log_to) if self.plan.log_to else ()
        command = partial(python_tool, 'train', recipe.config, *recipe.words(**KEEP), '--work-dir',
                          folder, '--seed', seed, '--resume', *recipe.protocol, *arguments, *log_to,
                          processes=recipe.gpus)
        return self._add(name, kind, command, needs=needs, missing=lambda: absent(last),
                         inputs=lambda: {**recipe.inputs, 'seed': seed, **inputs()},
                         folder=folder, processes=recipe.gpus, epochs=recipe.epochs,
                         batch=recipe.batch, cost=recipe.digest(), trials=trials,
                         measure=lambda out: python_tool('measure', recipe.config, out,
                                                         *recipe.words(), *recipe.protocol))

    def _test(self, title: str, recipe: Recipe, folder: Path, trained: str) -> str:
        """Add the test of a training's last checkpoint.

        Training mostly has validated it already, and the stage then has nothing to do. But a run
        that was killed in its last validation ends well without a metric.
        """
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

        # Name the runs of this plan: those of another plan may be under the same root.
        def begun() -> list[Path]:
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


class StagedPlan(NamedTuple):
    """A plan, its stages in an order in which they can run, and warnings for the user."""
    plan: Plan
    stages: list[Stage]
    warnings: list[str]


def read_stages(plan_file: str | Path, root: Path, budget: Budget | None = None) -> StagedPlan:
    """Read a plan and build its stages.

    Raises:
        PlanError: the plan cannot be carried out.
    """
    with _without_info():
        plan = read_plan(plan_file)
        if budget:
            if plan.detectors:
                raise PlanError(f'{plan_file}: --budget: expected a plan without detectors')
            plan = replace(plan, gpus_per_run=min(plan.gpus_per_run, budget.gpus))
        return StagedPlan(plan, *build(plan, Path(os.path.realpath(root)), budget))


@contextmanager
def _without_info() -> Iterator[None]:
    """Log nothing below a warning: MMEngine tells of each environment variable in a config, which
    would bury our warnings. Asking for MMEngine's logger instead would import PyTorch."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def build(plan: Plan, root: Path, budget: Budget | None = None) -> tuple[list[Stage], list[str]]:
    """Return the stages of ``plan`` in an order in which they can run, and warnings."""
    builder = Builder(plan, root, budget)
    return builder.build(), builder.warnings


def _config_of(pretraining: Pretraining) -> Path:
    if pretraining.config is None:
        raise PlanError(f'{pretraining.name}: no config to pretrain with')
    return pretraining.config
