"""Evaluate many files of detections, several at once, and never the same one twice."""
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .detections import read_detections, read_truth
from .evaluation import Evaluation, evaluate

Files = tuple[Path, Path, bool]  # truth, detections, whether VOC's mAP is wanted too


def evaluate_files(files: Sequence[Files], resamples: int, *, seed: int = 0,
                   workers: int | None = None,
                   progress: Callable[[int, int], None] | None = None) -> list[Evaluation]:
    """As :func:`~mmresizemix.results.evaluation.evaluate`, for each of ``files``, in order.

    Args:
        workers: processes; None: one a core, at most one a file.
        progress: told (files done, files in all).
    """
    workers = min(workers or len(os.sched_getaffinity(0)), len(files))
    jobs = [(truth, found, voc, resamples, seed) for truth, found, voc in files]
    done = []
    if workers <= 1:
        results = map(_evaluate, jobs)
        return [_tell(r, done, len(jobs), progress) for r in results]
    with ProcessPoolExecutor(workers) as pool:
        return [_tell(r, done, len(jobs), progress) for r in pool.map(_evaluate, jobs)]


def _tell(result: Evaluation, done: list, total: int, progress) -> Evaluation:
    done.append(result)
    if progress:
        progress(len(done), total)
    return result


def _evaluate(job: tuple) -> Evaluation:
    truth_file, found, voc, resamples, seed = job
    truth = read_truth(truth_file)
    return evaluate(truth, read_detections(found, truth), voc=voc, resamples=resamples, seed=seed)
