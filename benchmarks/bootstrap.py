"""Time the paired bootstrap over images at the size of COCO val2017.

    OMP_NUM_THREADS=1 python benchmarks/bootstrap.py          # 5,000 images, 1,000 resamples
"""
import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from drawn_set import CLASSES, DETECTIONS, IMAGES, OBJECTS, write_detections, write_set
from side_by_side import report_growth

from mmresizemix.metrics.evaluate_files import DetectionFiles, evaluate_files


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--resamples', type=int, default=1000)
    resamples = args.parse_args().resamples
    report_growth('growth-bootstrap', 'The bootstrap of two models over a set like COCO val2017',
                  f'{IMAGES} images, {CLASSES} classes, {resamples} resamples (goal: 90 s, 3 GiB)',
                  'detections per model',
                  {DETECTIONS // part: bootstrap(part, resamples) for part in (8, 4, 2, 1)})


def bootstrap(part: int, resamples: int) -> float:
    """Return the seconds for one ``part``-th of the images, objects and detections of val2017."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        truth = write_set(Path(scratch), IMAGES // part, OBJECTS // part, CLASSES, rng)
        files = [write_detections(truth, DETECTIONS // part, rng) for _ in range(2)]
        begin = time.perf_counter()
        a, b = evaluate_files([DetectionFiles(truth, file) for file in files], resamples)
        seconds = time.perf_counter() - begin
    difference = 100 * (a.overall['AP'] - b.overall['AP'])
    low, high = np.quantile(difference[1:], (0.025, 0.975))
    # ru_maxrss is in KiB on Linux. For children, it is that of the largest one that has ended.
    peak = sum(resource.getrusage(who).ru_maxrss for who in (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
    print(f'1/{part} of the set: {seconds:.1f} s, at most {peak:.2f} GiB per process pair so far; '
          f'difference of AP {difference[0]:.2f} [{low:.2f}, {high:.2f}]')
    return seconds


if __name__ == '__main__':
    main()
