"""Evaluate many files of detections, several at once."""
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .detections import UnreadableDetections, read_detections, read_truth
from .evaluation import Evaluation, evaluate


class DetectionFiles(NamedTuple):
    """The files of one evaluation, whether VOC's mAP is computed, too, and whether the detections
    are masks."""
    truth: Path
    detections: Path
    voc: bool = False
    masks: bool = False


def evaluate_files(files: Sequence[DetectionFiles], resamples: int, *, seed: int = 0,
                   workers: int | None = None,
                   progress: Callable[[int, int], None] | None = None
                   ) -> list[Evaluation | UnreadableDetections]:
    """Evaluate each of ``files``, in order.

    See :func:`~mmresizemix.metrics.evaluation.evaluate`.

    Args:
        resamples: number of resamples of the images.
        seed: the seed of the resamples, the same for all files.
        workers: number of processes. None means one per CPU core. There is at most one per file.
        progress: a function that is called with (files done, number of files).

    Returns:
        An evaluation per file, or the error if a file could not be read.
    """
    # The affinity counts the cores that this process may use, e.g. in a container or a Slurm job.
    workers = min(workers or len(os.sched_getaffinity(0)), len(files))
    evaluate_one = partial(_evaluate, resamples=resamples, seed=seed)
    with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        results = []
        for result in (pool.map if pool else map)(evaluate_one, files):
            results.append(result)
            if progress:
                progress(len(results), len(files))
    return results


def _evaluate(files: DetectionFiles, resamples: int,
              seed: int) -> Evaluation | UnreadableDetections:
    # The error is returned, not raised, so that one bad file does not end the evaluation of all.
    try:
        truth = read_truth(files.truth, files.masks)
        detections = read_detections(files.detections, truth, files.masks)
    except UnreadableDetections as error:
        return error
    return evaluate(truth, detections, voc=files.voc, masks=files.masks,
                    resamples=resamples, seed=seed)
