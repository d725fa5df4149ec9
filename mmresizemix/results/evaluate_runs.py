"""Evaluate many files of detections, several at once, and never the same one twice."""
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from .detections import UnreadableDetections, read_detections, read_truth
from .evaluation import Evaluation, evaluate

Files = tuple[Path, Path, bool]  # truth, detections, whether VOC's mAP is wanted too


def evaluate_files(files: Sequence[Files], resamples: int, *, seed: int = 0,
                   workers: int | None = None,
                   progress: Callable[[int, int], None] | None = None
                   ) -> list[Evaluation | UnreadableDetections]:
    """As :func:`~mmresizemix.results.evaluation.evaluate`, for each of ``files``, in order; in
    place of an evaluation the error, where a file cannot be read.

    Args:
        workers: processes; None: one a core, at most one a file.
        progress: told (files done, files in all).
    """
    workers = min(workers or len(os.sched_getaffinity(0)), len(files))
    jobs = [(truth, found, voc, resamples, seed) for truth, found, voc in files]
    with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        results = []
        for result in (pool.map if pool else map)(_evaluate, jobs):
            results.append(result)
            if progress:
                progress(len(results), len(jobs))
    return results


def _evaluate(job: tuple) -> Evaluation | UnreadableDetections:
    truth_file, found, voc, resamples, seed = job
    try:
        truth = read_truth(truth_file)
        detections = read_detections(found, truth)
    except UnreadableDetections as error:
        return error
    return evaluate(truth, detections, voc=voc, resamples=resamples, seed=seed)
