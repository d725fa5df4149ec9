"""COCO AP of one model at the size of val2017: faster-coco-eval, which CocoMetric uses while a
detector trains, beside pycocotools.

    OMP_NUM_THREADS=1 python benchmarks/coco_evaluation.py [--rounds 3]
"""
import argparse
import json
import statistics
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import faster_coco_eval
import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
from drawn_set import CLASSES, DETECTIONS, IMAGES, OBJECTS, write_detections, write_set


def evaluate(coco_class, evaluation_class, truth: Path,
             boxes: list[dict]) -> tuple[float, np.ndarray]:
    """(seconds of matching and accumulating, AP and the other eleven statistics)."""
    with redirect_stdout(StringIO()):
        coco = coco_class(str(truth))
        found = coco.loadRes([dict(b) for b in boxes])
        begin = time.perf_counter()
        evaluation = evaluation_class(coco, found, 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        seconds = time.perf_counter() - begin
    return seconds, np.array(evaluation.stats[:12])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        truth = write_set(Path(scratch), IMAGES, OBJECTS, CLASSES, rng)
        boxes = json.loads(write_detections(truth, DETECTIONS, rng).read_text())
        rounds = []
        for _ in range(args.rounds):
            fast, ours = evaluate(faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster, truth,
                                  boxes)
            slow, theirs = evaluate(pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval, truth,
                                    boxes)
            rounds.append((fast, slow))
    fast, slow = (statistics.median(column) for column in zip(*rounds))
    ratio = statistics.median(b / a for a, b in rounds)
    print(f'faster-coco-eval {fast:.2f} s, pycocotools {slow:.2f} s: {ratio:.1f} times faster '
          f'(goal: 5); AP {100 * ours[0]:.2f}, largest difference of the statistics '
          f'{np.abs(ours - theirs).max():.1e}')


if __name__ == '__main__':
    main()
