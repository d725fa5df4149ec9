"""A picture of mixed batches: every sample before and after, with its boxes and labels."""
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from torch import Tensor

from ..batch_augments import BatchAugment, Mix
from ..files import whole_file

ROWS = ('target', 'source', 'mixed')
SHARE = "source's share"
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


def title_of(augment: BatchAugment) -> str:
    """Its name, and the settings that can be seen."""
    settings = {k: v for k, v in augment.settings().items()
                if k not in ('inplace', 'seed', 'num_classes')}
    return f'{type(augment).__name__}: ' + ', '.join(f'{k} {v}' for k, v in settings.items())


def show_mix(path: str | Path, mix: Mix, before: np.ndarray, after: np.ndarray,
             scores_before: Tensor, scores_after: Tensor, classes: Sequence[str],
             title: str = '', saliency: Tensor | None = None) -> Path:
    """Write a picture of one mixed batch: a column a sample, in the rows of :data:`ROWS`; and one
    of the source's share of each pixel, where the mix has weights.

    Args:
        path: the PNG to write.
        mix: what was drawn; its boxes are outlined.
        before, after: (N, H, W, 3) uint8 RGB.
        scores_before, scores_after: (N, num_classes) labels.
        classes: their names.
        saliency: (N, H, W), by which it was drawn: laid over targets and sources.
    """
    n = len(before)
    rows = ROWS if mix.weight is None else (*ROWS, SHARE)
    figure = blank_figure(1.7 * n, 1.95 * len(rows) + 0.5)
    axes = figure.subplots(len(rows), n, squeeze=False)
    partner = mix.partner.numpy()
    heat = before if saliency is None else np.stack(list(map(with_heat, before, saliency)))
    shown = dict(
        target=(heat, mix.target, scores_before),
        source=(heat[partner], mix.source, scores_before[mix.partner]),
        mixed=(after, mix.target, scores_after))
    for row, name in zip(axes, ROWS):
        pictures, boxes, scores = shown[name]
        draw_row(row, name, pictures, scores, classes)
        for axis, box in zip(row, boxes.tolist() if mix.weight is None else ()):
            outline(axis, box)
    if mix.weight is not None:
        for axis, weight in zip(axes[-1], mix.weight.expand(n, *mix.size).numpy()):
            axis.imshow(weight, cmap='gray', vmin=0, vmax=1)
        axes[-1, 0].set_ylabel(SHARE)
    without_ticks(axes)
    figure.suptitle('\n'.join(fill(line, 16 * n) for line in title.splitlines()))
    return save(figure, Path(path))


def show_changes(path: str | Path, before: np.ndarray, after: np.ndarray, scores_before: Tensor,
                 scores_after: Tensor, classes: Sequence[str], title: str = '') -> Path:
    """Write a picture of a batch above what became of it, where no more is known; as
    :func:`show_mix` without its mix."""
    n = len(before)
    figure = blank_figure(1.7 * n, 4.4)
    axes = figure.subplots(2, n, squeeze=False)
    draw_row(axes[0], 'target', before, scores_before, classes)
    draw_row(axes[1], 'mixed', after, scores_after, classes)
    without_ticks(axes)
    figure.suptitle(title)
    return save(figure, Path(path))


def draw_row(row: np.ndarray, name: str, pictures: np.ndarray, scores: Tensor,
             classes: Sequence[str]) -> None:
    """Draw (N, H, W, 3) pictures into N axes, their labels above and the row's ``name`` beside."""
    for axis, picture, score in zip(row, pictures, scores.tolist()):
        axis.imshow(picture)
        axis.set_title(label_lines(score, classes), fontsize=8)
    row[0].set_ylabel(name)


def without_ticks(axes: np.ndarray) -> None:
    """Take the ticks off all axes."""
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])


def show_pictures(path: str | Path, pictures: np.ndarray, names: Sequence[str],
                  title: str = '') -> Path:
    """Write (N, H, W, 3) uint8 RGB pictures side by side, with their names."""
    figure = blank_figure(1.7 * len(pictures), 2.45)
    for axis, picture, name in zip(figure.subplots(1, len(pictures), squeeze=False)[0], pictures,
                                   names):
        axis.imshow(picture)
        axis.set_title(label_lines([1.], [name]), fontsize=8)
        axis.set_axis_off()
    figure.suptitle(title)
    return save(figure, Path(path))


def with_heat(picture: np.ndarray, heat: Tensor | np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 under its heatmap (H, W), red where it is largest."""
    from matplotlib import colormaps
    heat = np.asarray(heat, dtype=float)
    heat = (heat - heat.min()) / (np.ptp(heat) or 1)
    colours = 255 * np.asarray(colormaps['jet'](heat))[..., :3]
    return (0.5 * picture + 0.5 * colours).round().astype(np.uint8)


def outline(axis: Any, box: list[int]) -> None:
    """Draw the box (x1, y1, x2, y2), in pixels, its far sides not included."""
    from matplotlib.patches import Rectangle
    x1, y1, x2, y2 = box
    axis.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, lw=1.5,
                             edgecolor=BOX_COLOUR, clip_on=False))


def blank_figure(width: float, height: float) -> Any:
    """A figure of so many inches that no window shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: Path) -> Path:
    """Write the figure whole or not at all; returns ``path``."""
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format='png', dpi=110)
    return path
