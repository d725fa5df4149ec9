"""A picture of mixed batches: every sample before and after, with its boxes and labels."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from ..files import whole_file
from .mix import Mix

ROWS = ('target', 'source', 'mixed')
BOX_COLOUR = '#ff2d55'
LONGEST_NAME = 18


def label_lines(scores: Sequence[float], classes: Sequence[str]) -> str:
    """[0.0, 0.76, 0.24] -> '0.76 dog' and '0.24 cat' on two lines, the largest share first.

    Shares below half a percent are left out, long names are cut at :data:`LONGEST_NAME`.
    """
    shares = sorted(((share, name) for share, name in zip(scores, classes) if share >= 0.005),
                    reverse=True)
    names = [(share, name if len(name) <= LONGEST_NAME else f'{name[:LONGEST_NAME - 1]}…')
             for share, name in shares]
    return '\n'.join(name if share > 0.995 else f'{share:.2f} {name}' for share, name in names)


def show_mix(path: str | Path, mix: Mix, before: np.ndarray, after: np.ndarray,
             scores_before: Tensor, scores_after: Tensor, classes: Sequence[str],
             title: str = '') -> Path:
    """Write a picture of one mixed batch: a column a sample, in the rows of :data:`ROWS`.

    Args:
        path: the PNG to write.
        mix: what was drawn; its boxes are outlined.
        before, after: (N, H, W, 3) uint8 RGB.
        scores_before, scores_after: (N, num_classes) labels.
        classes: their names.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n = len(before)
    figure = Figure(figsize=(1.7 * n, 1.95 * len(ROWS) + 0.5), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(ROWS), n, squeeze=False)
    partner = mix.partner.numpy()
    shown = dict(
        target=(before, mix.target, scores_before),
        source=(before[partner], mix.source, scores_before[mix.partner]),
        mixed=(after, mix.target, scores_after))
    for row, name in zip(axes, ROWS):
        pictures, boxes, scores = shown[name]
        for axis, picture, box, score in zip(row, pictures, boxes.tolist(), scores.tolist()):
            axis.imshow(picture)
            _outline(axis, box)
            axis.set_title(label_lines(score, classes), fontsize=8)
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(name)
    figure.suptitle(title)
    return _save(figure, Path(path))


def _outline(axis, box: list[int]) -> None:
    from matplotlib.patches import Rectangle
    x1, y1, x2, y2 = box
    axis.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, lw=1.5,
                             edgecolor=BOX_COLOUR, clip_on=False))


def _save(figure, path: Path) -> Path:
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format='png', dpi=110)
    return path
