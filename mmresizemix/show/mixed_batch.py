"""A picture of a mixed batch: every sample before and after, with its boxes and labels."""
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ..batch_augments import BatchAugment, Mix
from ..files import whole_file

ROWS = ('target', 'source', 'mixed')
SHARE = "source's share"
BOX_COLOUR = '#ff2d55'
LONGEST_NAME = 18


def label_lines(scores: Sequence[float], classes: Sequence[str]) -> str:
    """Return labels as text, the largest share first: [0.0, 0.76, 0.24] gives '0.76 dog' and
    '0.24 cat' on two lines.

    Shares below half a percent are left out, and one above 99.5 % stands without its number. Names
    longer than :data:`LONGEST_NAME` are cut.
    """
    shares = sorted(((share, name) for share, name in zip(scores, classes) if share >= 0.005),
                    reverse=True)
    names = [(share, name if len(name) <= LONGEST_NAME else f'{name[:LONGEST_NAME - 1]}…')
             for share, name in shares]
    return '\n'.join(name if share > 0.995 else f'{share:.2f} {name}' for share, name in names)


def title_of(augment: BatchAugment) -> str:
    """Return the name of an augment, and those of its settings that change what is seen."""
    settings = {k: v for k, v in augment.settings().items()
                if k not in ('inplace', 'seed', 'num_classes')}
    return f'{type(augment).__name__}: ' + ', '.join(f'{k} {v}' for k, v in settings.items())


def show_mix(path: str | Path, mix: Mix, *, before: np.ndarray, after: np.ndarray,
             scores_before: Tensor, scores_after: Tensor, classes: Sequence[str],
             title: str = '', saliency: Tensor | None = None,
             history: tuple[np.ndarray, Tensor] | None = None) -> Path:
    """Write a picture of one mixed batch, with one column per sample and the rows :data:`ROWS`.

    If the mix has weights, there is one more row: the source's share of each pixel.

    Args:
        path: the PNG file to write.
        mix: the mix. Its boxes are outlined.
        before, after: the pictures, (N, H, W, 3) uint8 RGB.
        scores_before, scores_after: the labels, (N, num_classes).
        classes: the names of the classes.
        title: the title of the picture.
        saliency: the maps by which the mix was drawn, (N, H, W). They are laid over targets and
            sources.
        history: the pictures and labels of the earlier batch, if ``mix.from_history``.

    Returns:
        ``path``.
    """
    # Collect the pictures, boxes and labels of each row.
    n = len(before)
    rows = ROWS if mix.weight is None else (*ROWS, SHARE)
    figure = blank_figure(1.7 * n, 1.95 * len(rows) + 0.5)
    axes = figure.subplots(len(rows), n, squeeze=False)
    partner = mix.partner.numpy()
    heat = before if saliency is None else np.stack(list(map(with_heat, before, saliency)))
    sources, source_scores = history or (heat, scores_before)
    shown = dict(
        target=(heat, mix.target, scores_before),
        source=(sources[partner], mix.source, source_scores[mix.partner]),
        mixed=(after, mix.target, scores_after))
    # Draw the rows. A mix with weights mixes whole pictures, so it has no boxes to outline.
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
    """Write a picture of a batch before and after mixing, if the mix is not known.

    The arguments are those of :func:`show_mix` without the mix.
    """
    n = len(before)
    figure = blank_figure(1.7 * n, 4.4)
    axes = figure.subplots(2, n, squeeze=False)
    draw_row(axes[0], 'target', before, scores_before, classes)
    draw_row(axes[1], 'mixed', after, scores_after, classes)
    without_ticks(axes)
    figure.suptitle(title)
    return save(figure, Path(path))


def stack_pictures(path: Path, files: Sequence[Path]) -> Path:
    """Write the pictures in ``files``, one below the other, to the PNG file ``path``."""
    pictures = [Image.open(file) for file in files]
    sheet = Image.new('RGB', (max(one.width for one in pictures),
                              sum(one.height for one in pictures)), 'white')
    top = 0
    for one in pictures:
        sheet.paste(one, (0, top))
        top += one.height
    with whole_file(path) as unfinished:
        sheet.save(unfinished, format='png')
    return path


def draw_row(row: np.ndarray, name: str, pictures: np.ndarray, scores: Tensor,
             classes: Sequence[str]) -> None:
    """Draw (N, H, W, 3) pictures into N axes, with their labels above and the ``name`` of the row
    beside them."""
    for axis, picture, score in zip(row, pictures, scores.tolist()):
        axis.imshow(picture)
        axis.set_title(label_lines(score, classes), fontsize=8)
    row[0].set_ylabel(name)


def without_ticks(axes: np.ndarray) -> None:
    """Remove the ticks from all axes."""
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
    """Lay a heatmap (H, W) over a picture (H, W, 3) uint8. It is red where it is largest."""
    from matplotlib import colormaps
    heat = np.asarray(heat, dtype=float)
    heat = (heat - heat.min()) / (np.ptp(heat) or 1)
    colours = 255 * np.asarray(colormaps['jet'](heat))[..., :3]
    return (0.5 * picture + 0.5 * colours).round().astype(np.uint8)


def outline(axis: Any, box: list[int]) -> None:
    """Draw the outline of a box (x1, y1, x2, y2) in pixels, with x2 and y2 exclusive."""
    from matplotlib.patches import Rectangle
    x1, y1, x2, y2 = box
    # matplotlib puts the centre of a pixel, not its corner, at whole numbers.
    axis.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, lw=1.5,
                             edgecolor=BOX_COLOUR, clip_on=False))


def blank_figure(width: float, height: float) -> Any:
    """Return a figure of ``width`` by ``height`` inches that is never shown in a window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: Path) -> Path:
    """Write the figure to ``path``, whole or not at all, and return ``path``."""
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format='png', dpi=110)
    return path
