"""The paired bootstrap over images at the size of COCO val2017, and pycocotools beside it.

    OMP_NUM_THREADS=1 python benchmarks/bootstrap.py          # 5,000 images, 1,000 resamples
"""
import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from mmresizemix.results.evaluate_runs import evaluate_files
from mmresizemix.results.evaluation import Evaluation


def write_set(folder: Path, images: int, objects: int, classes: int, rng) -> Path:
    """Objects as many, as large and as unevenly spread over classes as COCO's."""
    share = rng.dirichlet(np.full(classes, 0.7))
    side = np.exp(rng.normal(4, 1, (objects, 2))).clip(4, 400)
    corner = rng.uniform(0, 240, (objects, 2))
    annotations = [dict(id=i + 1, image_id=int(image), category_id=int(c) + 1, iscrowd=0,
                        bbox=[*xy, *wh], area=wh[0] * wh[1])
                   for i, (image, c, xy, wh) in enumerate(zip(
                       rng.integers(1, images + 1, objects), rng.choice(classes, objects, p=share),
                       corner.tolist(), side.tolist()))]
    path = folder / 'truth.json'
    path.write_text(json.dumps(dict(
        images=[dict(id=i + 1, width=640, height=640) for i in range(images)],
        annotations=annotations,
        categories=[dict(id=i + 1, name=f'class {i + 1}') for i in range(classes)])))
    return path


def write_detections(truth: Path, count: int, rng) -> Path:
    """The objects, shaken, and false ones, so that AP is about 0.4."""
    content = json.loads(truth.read_text())
    annotations, images = content['annotations'], len(content['images'])
    found = []
    for n in range(count):
        box = annotations[n % len(annotations)]
        true = n < len(annotations)
        xywh = np.array(box['bbox']) * rng.normal(1, 0.08 if true else 0.8, 4)
        found.append(dict(
            image_id=box['image_id'] if true else int(rng.integers(1, images + 1)),
            category_id=box['category_id'], bbox=np.abs(xywh).tolist(),
            score=float(rng.beta(4, 2) if true else rng.beta(2, 5))))
    path = truth.with_name(f'detections-{rng.integers(1 << 30)}.json')
    path.write_text(json.dumps(found))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=5000)
    parser.add_argument('--objects', type=int, default=36000)
    parser.add_argument('--detections', type=int, default=100_000)
    parser.add_argument('--classes', type=int, default=80)
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
