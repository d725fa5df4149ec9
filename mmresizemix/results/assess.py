"""Evaluate the detections of runs again, without their models, and check that each file of
detections belongs to its run."""
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..metrics.detections import Truth, UnreadableDetections, read_truth
from ..metrics.evaluate_runs import Files, evaluate_files
from ..metrics.evaluation import Evaluation
from ..runs.configs import EVALUATION_SET
from ..runs.run import Fault, Run

ROUNDED = 6e-4  # mmdet's CocoMetric logs three digits
DRIFT = 1e-6  # VOCMetric divides in float32


def assess(runs: Sequence[Run], resamples: int, *, workers: int | None = None,
           progress: Callable[[int, int], None] | None = None
           ) -> tuple[list[Run], dict[Path, Evaluation], dict[Path, Truth], list[Fault]]:
    """Evaluate again every run that has kept its detections.

    Args:
        resamples: number of resamples of the images.
        workers: number of processes. None means one per CPU core, and at most one per file.
        progress: is called with (files done, files in all).

    Returns:
        A tuple (runs, evaluations, truths, faults). In the returned runs, the evaluation set is one
        of the settings that compared runs must share. The evaluations and the truths are keyed by
        the folder of the run. The faults say what was wrong.
    """
    faults: list[Fault] = []
    # Runs without a truth or without detections are kept, with their logged metrics.
    truths = _truths(runs, faults)
    ready = [r for r in runs if r.folder in truths and r.truth and r.detections]
    files: list[Files] = [(r.truth, r.detections, r.kind == 'VOC') for r in ready
                          if r.truth and r.detections]
    results = evaluate_files(files, resamples, workers=workers, progress=progress)
    evaluations: dict[Path, Evaluation] = {}
    # An evaluation counts only if it gives the metric that the run has logged.
    for run, result in zip(ready, results):
        if isinstance(result, UnreadableDetections):
            fault: str | None = str(result)
        else:
            fault = _foreign(run, result)
            if not fault:
                evaluations[run.folder] = result
        if fault:
            # The fault names the folder already, so the text shows paths inside the folder.
            faults.append(Fault(run.folder, fault.replace(f'{run.folder}/', '')))
    return [_with_set(r, truths) for r in runs], evaluations, truths, faults


def _truths(runs: Sequence[Run], faults: list[Fault]) -> dict[Path, Truth]:
    """Read the truth of each run, by the folder of the run.

    All files with the same content share one object.
    """
    by_file: dict[Path, Truth | str] = {}
    by_content: dict[str, Truth] = {}
    found = {}
    for run in runs:
        if run.truth is None:
            continue
        if run.truth not in by_file:
            try:
                read = read_truth(run.truth)
                # A truth of COCO is large, and every run keeps its own copy of the file.
                by_file[run.truth] = by_content.setdefault(read.sha256, read)
            except UnreadableDetections as error:
                by_file[run.truth] = str(error)  # read once; reported for every run that uses it
        # A truth that has changed since the run's own evaluation would give other metrics.
        truth = by_file[run.truth]
        if isinstance(truth, str):
            faults.append(Fault(run.folder, truth.replace(f'{run.folder}/', '')))
        elif run.truth_sha256 not in (None, truth.sha256):
            faults.append(Fault(run.folder, f'{run.truth.name} has changed since the run was '
                                f'evaluated (digest {truth.sha256[:12]}, then '
                                f'{run.truth_sha256[:12]}); its logged metrics stand'))
        else:
            found[run.folder] = truth
    return found


def _with_set(run: Run, truths: dict[Path, Truth]) -> Run:
    # As a setting of the config, the set is compared like all settings that runs must share.
    truth = truths.get(run.folder)
    if truth is None:
        return run
    return replace(run, config={**run.config, EVALUATION_SET: truth.identity[:12]})


def _foreign(run: Run, evaluation: Evaluation) -> str | None:
    """Return why the detections are not those of ``run``, or None if they are.

    Detections that do not give the logged metric belong to another run, for example when two runs
    wrote to the same ``outfile_prefix``.
    """
    logged, found = run.metrics[run.primary], evaluation.value(run.primary)
    if abs(logged - found) <= (ROUNDED if run.rounded else DRIFT):
        return None
    return (f'{run.detections} gives {run.primary} {100 * found:.2f}, the log says '
            f'{100 * logged:.2f}: these are not the detections of epoch {run.epoch} of this run; '
            'its logged metrics stand')
