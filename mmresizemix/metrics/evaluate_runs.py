"""Evaluate many files of detections, several at once."""
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
    """Evaluate each of ``files``, in order.

    See :func:`~mmresizemix.metrics.evaluation.evaluate`.

    Args:
        resamples: number of resamples of the images.
        seed: the seed of the resamples, the same for all files.
        workers: number of processes. None means one per CPU core. There is at most one per file.
        progress: is called with (files done, files in all).

    Returns:
        An evaluation per file, or the error if a file could not be read.
    """
    # The affinity counts the cores that this process may use, e.g. in a container or a Slurm job.
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
    # The error is returned, not raised, so that one bad file does not end the evaluation of all.
    try:
        truth = read_truth(truth_file)
        detections = read_detections(found, truth)
    except UnreadableDetections as error:
        return error
    return evaluate(truth, detections, voc=voc, resamples=resamples, seed=seed)
