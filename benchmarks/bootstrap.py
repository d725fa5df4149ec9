"""The paired bootstrap over images at the size of COCO val2017.

    OMP_NUM_THREADS=1 python benchmarks/bootstrap.py          # 5,000 images, 1,000 resamples
"""
import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from drawn_set import CLASSES, DETECTIONS, IMAGES, OBJECTS, write_detections, write_set

from mmresizemix.results.evaluate_runs import evaluate_files
from mmresizemix.results.evaluation import Evaluation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=IMAGES)
    parser.add_argument('--objects', type=int, default=OBJECTS)
    parser.add_argument('--detections', type=int, default=DETECTIONS)
    parser.add_argument('--classes', type=int, default=CLASSES)
    parser.add_argument('--resamples', type=int, default=1000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        truth = write_set(Path(scratch), args.images, args.objects, args.classes, rng)
        files = [write_detections(truth, args.detections, rng) for _ in range(2)]
        begin = time.perf_counter()
        a, b = evaluate_files([(truth, file, False) for file in files], args.resamples)
        seconds = time.perf_counter() - begin
    report(a, b, seconds)


def report(a: Evaluation, b: Evaluation, seconds: float) -> None:
    difference = 100 * (a.overall['AP'] - b.overall['AP'])
    low, high = np.quantile(difference[1:], (0.025, 0.975))
    peak = sum(resource.getrusage(who).ru_maxrss for who in (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
    print(f'two models, {len(difference) - 1} resamples: {seconds:.1f} s (goal: under 90), '
          f'at most {peak:.2f} GiB a process pair (goal: under 3)')
    print(f'AP {100 * a.value("AP"):.2f} and {100 * b.value("AP"):.2f}, difference '
          f'{difference[0]:.2f} [{low:.2f}, {high:.2f}]')


if __name__ == '__main__':
    main()
