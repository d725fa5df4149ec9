"""Validation images with the detections of every pretraining beside the truth."""
import base64
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..metrics.detections import Truth, read_detections
from ..metrics.matching import found_in_image
from ..results.comparison import Cell, Column, Comparison
from ..runs.run import MASK_AP

WIDTH = 360  # of a picture, in pixels
PALETTE = ('#e6194b', '#3cb44b', '#4363d8', '#f58231', '#911eb4', '#008080', '#9a6324', '#808000')
RULE = ('AP50 within each image is compared between the pretraining with the highest mean and the '
        'baseline, in the first run of each. The images with the largest gain, the largest loss '
        'and the median gain are shown. Each picture shows the detections with the best scores: '
        'of each class in the image, as many as it has objects there, and 3 of any class.')
OF_ANY_CLASS = 3


@dataclass(frozen=True)
class Panel:
    """A picture of the report, with the text below it."""
    title: str
    uri: str
    text: str


@dataclass(frozen=True)
class Example:
    """Pictures of one validation image, side by side."""
    title: str
    panels: tuple[Panel, ...]


def examples(comparison: Comparison) -> list[Example]:
    """Draw three images per column of boxes, chosen by :data:`RULE`."""
    made = []
    for column in (one for one in comparison.columns if one.primary != MASK_AP):
        # The first run of each cell is drawn, so its detections must be there.
        cells = [cell for cell in comparison.cells_of(column) if cell.assessed[0].evaluation]
        truth = cells[0].assessed[0].truth if cells else None
        if truth and comparison.baseline in [c.row for c in cells] and len(cells) > 1:
            made += _of_column(column, cells, truth)
    return made


def _of_column(column: Column, cells: Sequence[Cell], truth: Truth) -> list[Example]:
    baseline, *others = cells  # the baseline is the first row
    best = max(others, key=lambda c: c.mean)
    detections = {c.row: read_detections(file, truth) for c in cells
                  if (file := c.runs[0].kept.detections)}
    # The gain of the best pretraining in each image, which is NaN in images without objects.
    gain = (ap50_by_image(truth, detections[best.row])
            - ap50_by_image(truth, detections[baseline.row]))
    seen = np.flatnonzero(~np.isnan(gain))
    if not len(seen):
        return []
    order = seen[np.argsort(-gain[seen], kind='stable')]
    chosen = dict(zip(('largest gain', 'largest loss', 'median'),
                      (order[0], order[-1], order[len(order) // 2])))
    return [_example(f'{column.label}, {name} of {best.row}: {100 * gain[i]:+.0f} AP50 in image '
                     f'{truth.image_ids[i]}', truth.image_ids[i], truth, detections, cells)
            for name, i in chosen.items()]


def ap50_by_image(truth: Truth, detections: Sequence[dict[str, Any]]) -> np.ndarray:
    """Compute the AP at IoU 0.5 (by area) in each of N images, float [N].

    The value is the mean over the classes of the image, or NaN if the image has no object.
    """
    objects, found = (_by_image_and_class(boxes) for boxes in
                      (truth.content['annotations'], detections))
    ap = np.full(len(truth.image_ids), np.nan)
    for i, image_id in enumerate(truth.image_ids):
        values = [_ap_in_image(objects[image_id][k], found[image_id][k])
                  for k in objects[image_id]
                  if any(not o.get('iscrowd') for o in objects[image_id][k])]
        if values:
            ap[i] = np.mean(values)
    return ap


def _by_image_and_class(boxes: Sequence[dict[str, Any]]) -> dict[Any, dict[int, list]]:
    by: dict[Any, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    for box in boxes:
        by[box['image_id']][box['category_id']].append(box)
    return by


def _ap_in_image(objects: list[dict], detections: list[dict]) -> float:
    hit, ignored = found_in_image(sorted(detections, key=lambda d: -d['score']), objects)
    hit = hit[~ignored]
    precision = hit.cumsum() / np.arange(1, len(hit) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[hit].sum() / sum(not o.get('iscrowd') for o in objects))


def _example(title: str, image_id: Any, truth: Truth, detections: Mapping[str, list],
             cells: Sequence[Cell]) -> Example:
    info = next(i for i in truth.content['images'] if i['id'] == image_id)
    picture = _picture(info, [r.kept.pictures for c in cells for r in c.runs])
    objects = [a for a in truth.content['annotations'] if a['image_id'] == image_id]
    panels = [_panel('truth', picture, info, objects, truth)]
    for row, found in detections.items():
        here = sorted((d for d in found if d['image_id'] == image_id), key=lambda d: -d['score'])
        panels.append(_panel(row, picture, info, _shown(here, objects), truth))
    return Example(title, tuple(panels))


def _shown(found: Sequence[dict], objects: Sequence[dict]) -> list[dict]:
    """Choose the detections to show out of ``found``, which is sorted by falling score.

    These are the best of each class in the image, as many as it has objects there, and the best
    :data:`OF_ANY_CLASS` of any class.
    """
    left = Counter(o['category_id'] for o in objects)
    kept = []
    for i, box in enumerate(found):
        if i < OF_ANY_CLASS or left[box['category_id']] > 0:
            kept.append(box)
        left[box['category_id']] -= 1
    return kept


def _picture(info: Mapping[str, Any], folders: Sequence[Path | None]) -> Image.Image:
    # Runs may come from another machine, so their pictures may be missing: boxes on grey remain.
    for folder in dict.fromkeys(f for f in folders if f):
        path = folder / str(info.get('file_name'))
        if path.is_file():
            with Image.open(path) as opened:
                return opened.convert('RGB')
    return Image.new('RGB', (int(info['width']), int(info['height'])), '#777777')


def _panel(title: str, picture: Image.Image, info: Mapping[str, Any], boxes: Sequence[dict],
           truth: Truth) -> Panel:
    scale = WIDTH / info['width']
    canvas = picture.resize((WIDTH, max(1, round(info['height'] * scale))))
    draw = ImageDraw.Draw(canvas)
    classes = list(truth.categories)
    for box in boxes:
        x, y, w, h = (v * scale for v in box['bbox'])
        colour = PALETTE[classes.index(box['category_id']) % len(PALETTE)]
        draw.rectangle((x, y, x + max(w, 1), y + max(h, 1)), outline=colour, width=3)
        _label(draw, (x, y), _name(box, truth), colour)
    out = io.BytesIO()
    canvas.save(out, 'JPEG', quality=80)
    text = ', '.join(_name(b, truth) for b in boxes) or 'nothing'
    return Panel(title, data_uri(out.getvalue(), 'jpeg'), f'{title}: {text}')


def _name(box: Mapping[str, Any], truth: Truth) -> str:
    name = truth.categories[box['category_id']]
    if 'score' in box:
        return f'{name} {box["score"]:.2f}'
    return f'{name} (ignored)' if box.get('iscrowd') else name


def _label(draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, colour: str) -> None:
    left, top, right, bottom = draw.textbbox(corner, text)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=colour)
    draw.text(corner, text, fill='white')


def data_uri(content: bytes, kind: str) -> str:
    """Encode the bytes of an image as a URI that stands in the HTML itself."""
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'
