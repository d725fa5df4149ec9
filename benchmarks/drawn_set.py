"""Write an evaluation set that resembles COCO's, and detections on it."""
import json
from pathlib import Path

import numpy as np

# The first three numbers are about those of val2017. The last number is about that of the
# detections that a detector makes there.
IMAGES, OBJECTS, CLASSES, DETECTIONS = 5000, 36_000, 80, 100_000


def write_set(folder: Path, images: int, objects: int, classes: int, rng) -> Path:
    """Write a truth. Its objects are as large, and as unevenly spread over classes, as COCO's."""
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
    """Write the objects with noise on their boxes, and false detections. AP is about 0.25."""
    content = json.loads(truth.read_text(encoding='utf-8'))
    annotations, images = content['annotations'], len(content['images'])
    found = []
    for n in range(count):
        box = annotations[n % len(annotations)]
        # The first detections are of the objects. The others are false and have lower scores on
        # average.
        true = n < len(annotations)
        xywh = np.array(box['bbox']) * rng.normal(1, 0.05 if true else 0.8, 4)
        found.append(dict(
            image_id=box['image_id'] if true else int(rng.integers(1, images + 1)),
            category_id=box['category_id'], bbox=np.abs(xywh).tolist(),
            score=float(rng.beta(4, 2) if true else rng.beta(2, 5))))
    path = truth.with_name(f'detections-{rng.integers(1 << 30)}.json')
    path.write_text(json.dumps(found))
    return path
