"""Evaluate the detections of runs again, without their models, and check that each file of
detections belongs to its run."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..metrics.detections import Truth, UnreadableDetections, read_truth
from ..metrics.evaluate_files import DetectionFiles, evaluate_files
from ..metrics.evaluation import Evaluation
from ..runs.comparable import EVALUATION_SET
from ..runs.run import MASK_AP, OF_MASKS, Fault, Run

ROUNDED = 6e-4  # mmdet's CocoMetric logs three digits
DRIFT = 1e-6  # VOCMetric divides in float32


@dataclass(frozen=True, eq=False)
class AssessedRun:
    """A run, and what its detections say.

    Args:
        truth: its evaluation set, or None if the set is unknown.
        evaluation: its detections, evaluated again. None if it has kept none, or if they are not
            what they should be: its logged metrics then count.
        of_masks: the same of its masks, with the names of metrics of masks.
        fault: what was wrong with its truth or its detections, if anything.
    """
    run: Run
    truth: Truth | None = None
    evaluation: Evaluation | None = None
    of_masks: Evaluation | None = None
    fault: Fault | None = None

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings that compared runs must share, which include the evaluation set."""
        if self.truth is None:
            return self.run.settings
        return {**self.run.settings, EVALUATION_SET: self.truth.identity[:12]}

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics, in 0..1. Evaluating again gives every digit, so it replaces logged ones."""
        again = self.evaluation.overall if self.evaluation else {}
        return {**self.run.metrics, **{name: float(v[0]) for name, v in again.items()}}

    def by_boxes_and_masks(self) -> 'list[AssessedRun]':
        """Return this run, measured by its boxes, and once more by its masks if it has any."""
        run = self.run
        masks = {k: v for k, v in run.metrics.items() if k.startswith(OF_MASKS)}
        if not masks:
            return [self]
        boxes = {k: v for k, v in run.metrics.items() if k not in masks}
        by_masks = replace(self, evaluation=self.of_masks, run=replace(
            run, metrics=masks, curve=run.mask_curve,
            kept=replace(run.kept, detections=run.kept.masks)))
        return ([replace(self, run=replace(run, metrics=boxes))] if boxes else []) + [by_masks]

    def but(self, problem: str) -> 'AssessedRun':
        """Return this run with a fault, beside the one that it may have."""
        # The fault names the folder already, so the text shows paths inside the folder.
        problem = problem.replace(f'{self.run.folder}/', '')
        had = f'{self.fault.reason}; ' if self.fault else ''
        return replace(self, fault=Fault(self.run.folder, had + problem))


def assess(runs: Sequence[Run], resamples: int, *, workers: int | None = None,
           progress: Callable[[int, int], None] | None = None) -> list[AssessedRun]:
    """Evaluate again every run that has kept its detections. Return all runs, in order.

    Args:
        resamples: number of resamples of the images.
        workers: number of processes. None means one per CPU core, and at most one per file.
        progress: is called with (files done, files in all).
    """
    found = list(_with_truths(runs))
    # Runs without a truth or without detections are kept, with their logged metrics.
    files = [(i, one) for i, run in enumerate(found) for one in _files_of(run)]
    results = evaluate_files([one for _, one in files], resamples, workers=workers,
                             progress=progress)
    for (i, one), result in zip(files, results):
        found[i] = _with_evaluation(found[i], one, result)
    return found


def _files_of(one: AssessedRun) -> Iterator[DetectionFiles]:
    kept, metrics = one.run.kept, one.run.metrics
    if not one.truth or not kept.truth:
        return
    if kept.detections and one.run.primary != MASK_AP:
        yield DetectionFiles(kept.truth, kept.detections, one.run.config.kind == 'VOC')
    if kept.masks and MASK_AP in metrics:
        yield DetectionFiles(kept.truth, kept.masks, masks=True)


def _with_truths(runs: Sequence[Run]) -> Iterator[AssessedRun]:
    """Read the truth of each run. All files with the same content share one object."""
    by_file: dict[Path, Truth | UnreadableDetections] = {}
    by_content: dict[str, Truth] = {}
    for run in runs:
        path, one = run.kept.truth, AssessedRun(run)
        if path is None:
            yield one
            continue
        # A file is read once, and its error is reported for every run that uses it.
        if path not in by_file:
            try:
                read = read_truth(path)
                # A truth of COCO is large, and every run keeps its own copy of the file.
                by_file[path] = by_content.setdefault(read.sha256, read)
            except UnreadableDetections as error:
                by_file[path] = error
        truth = by_file[path]
        if isinstance(truth, UnreadableDetections):
            yield one.but(str(truth))
        # A truth that has changed since the run's own evaluation would give other metrics.
        elif run.kept.truth_sha256 not in (None, truth.sha256):
            yield one.but(f'{path.name} has changed since the run was evaluated (digest now '
                          f'{truth.sha256[:12]}, then {str(run.kept.truth_sha256)[:12]}); its '
                          'logged metrics are used instead')
        else:
            yield replace(one, truth=truth)


def _with_evaluation(one: AssessedRun, files: DetectionFiles,
                     result: Evaluation | UnreadableDetections) -> AssessedRun:
    """Return the run with its evaluation, which counts only if it gives the logged metric.

    Detections that do not give it belong to another run, for example when two runs wrote to the
    same ``outfile_prefix``.
    """
    if isinstance(result, UnreadableDetections):
        return one.but(str(result))
    run, metric = one.run, MASK_AP if files.masks else one.run.primary
    if files.masks:
        result = replace(result, overall={OF_MASKS + k: v for k, v in result.overall.items()})
    logged, found = run.metrics[metric], result.value(metric)
    if abs(logged - found) <= (ROUNDED if run.config.rounded else DRIFT):
        return replace(one, of_masks=result) if files.masks else replace(one, evaluation=result)
    return one.but(f'{files.detections} gives {metric} {100 * found:.2f}, the log says '
                   f'{100 * logged:.2f}: these are not the detections of epoch {run.epoch} of this '
                   'run; its logged metrics are used instead')
