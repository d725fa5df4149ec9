"""Time the computation of COCO AP for one model at the size of val2017. faster-coco-eval, which
CocoMetric uses while a detector trains, is compared with pycocotools.

    OMP_NUM_THREADS=1 python benchmarks/coco_evaluation.py [--rounds 15]
"""
import json
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
from side_by_side import in_turn, parser, report


def evaluate(coco_class, evaluation_class, truth: Path,
             boxes: list[dict]) -> tuple[float, np.ndarray]:
    """Return (seconds of matching and accumulating, AP and the other eleven statistics)."""
    with redirect_stdout(StringIO()):
        # Reading the files is not timed. loadRes changes the dicts that it is given.
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
    args = parser(__doc__).parse_args()
    rng, statistics = np.random.default_rng(0), {}
    with tempfile.TemporaryDirectory() as scratch:
        # Both evaluations get the same files.
        truth = write_set(Path(scratch), IMAGES, OBJECTS, CLASSES, rng)
        boxes = json.loads(write_detections(truth, DETECTIONS, rng).read_text())

        def run(name, coco_class, evaluation_class) -> float:
            seconds, statistics[name] = evaluate(coco_class, evaluation_class, truth, boxes)
            return seconds

        times = in_turn({
            'faster-coco-eval': lambda: run(
                'ours', faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
            'pycocotools': lambda: run(
                'theirs', pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval),
        }, args.rounds, warm_up=1)
    # A faster evaluation counts only if it gives the same numbers.
    difference = np.abs(statistics['ours'] - statistics['theirs']).max()
    report('coco-evaluation', 'COCO AP of one model, while a detector trains',
           f'{IMAGES} images, {DETECTIONS} detections; AP {100 * statistics["ours"][0]:.2f}, '
           f'largest difference of the twelve statistics {difference:.1e}', times, 'pycocotools',
           {'faster-coco-eval': '<= 0.2'})


if __name__ == '__main__':
    main()
