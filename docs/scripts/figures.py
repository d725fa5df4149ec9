"""Draw the figures of docs/mixing.md, on drawn pictures. They show the boxes of the three
ResizeMixes, the label weight of the source, and which pixels are pasted over.

    python docs/scripts/figures.py     # takes half a minute; writes the same files every time
"""
from collections.abc import Callable
from pathlib import Path

import mmpretrain.models.utils.batch_augments as theirs
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from mmresizemix import CutMix, ResizeMix
from mmresizemix.datasets import SCENE_CLASSES, draw_crop, picture_rng
from mmresizemix.files import whole_file

SIDE, BATCH, BATCHES = 224, 8, 20_000
PICTURES = Path(__file__).parents[1] / 'pictures'
OURS, AUTHORS, PEER, CUT = ('ours: per sample', "the authors' code: per batch",
                            "MMPretrain's ResizeMix", 'CutMix, per batch')
UNIFORM = "ours, placement='uniform'"
COLOURS = {OURS: '#0a7d4b', AUTHORS: '#1f5fbf', PEER: '#d1495b', CUT: '#8a8a8a'}


def draws() -> dict[str, Callable[[], Tensor]]:
    """Return, by name, functions that draw the boxes of the next batch, (BATCH, 4): x1, y1, x2, y2."""
    ours = {OURS: ResizeMix(seed=0), UNIFORM: ResizeMix(placement='uniform', seed=0),
            AUTHORS: ResizeMix(per='batch', seed=0), CUT: CutMix(per='batch', seed=0)}
    np.random.seed(0)  # MMPretrain's augments have no generator of their own
    torch.manual_seed(0)
    peer = theirs.ResizeMix(alpha=1.0)
    own = {name: lambda augment=augment: augment.draw(BATCH, (SIDE, SIDE)).target
           for name, augment in ours.items()}
    return {**own, PEER: lambda: boxes_of_peer(peer)}


def boxes_of_peer(augment) -> Tensor:
    """Find the box of one batch of MMPretrain's augment, which does not return it.

    Every pixel of a picture has the picture's number as its value. Where the value differs after mixing, the augment
    has pasted.
    """
    before = torch.arange(BATCH, dtype=torch.float32)[:, None, None, None]
    before = before.expand(BATCH, 1, SIDE, SIDE)
    pasted = (augment.mix(before.clone(), torch.eye(BATCH))[0] != before).any(0)[0]
    rows, columns = (pasted.any(i).nonzero().flatten() for i in (1, 0))
    box = torch.stack((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return box.expand(BATCH, 4)


def sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the widths and heights of ``boxes``."""
    return boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]


def weights(boxes: Tensor) -> np.ndarray:
    """Return the label weight of the source: the area of the patch over that of the picture."""
    width, height = sides(boxes)
    return (width * height / SIDE**2).numpy()


def show_boxes(figure: Figure, columns: int = 5) -> None:
    """Draw one batch per row. Each row shows the same targets and sources, as one method pastes them."""
    drawn = [draw_crop(i % len(SCENE_CLASSES), SIDE, picture_rng(2, 'figures', i)).pixels
             for i in range(2 * columns)]
    targets, sources, find = drawn[:columns], drawn[columns:], draws()
    for row, name in zip(figure.subplots(3, columns), (OURS, AUTHORS, PEER)):
        boxes = find[name]()
        row[0].set_title(name, loc='left', color=COLOURS[name], fontweight='bold')
        for axis, box, target, source in zip(row, boxes, targets, sources):
            (x, y, *_), (width, height) = box.tolist(), map(int, sides(box))
            picture = torch.from_numpy(source).permute(2, 0, 1)[None].float()
            patch = F.interpolate(picture, (height, width),
                                  mode='nearest' if name == AUTHORS else 'bilinear')
            mixed = target.copy()
            mixed[y:y + height, x:x + width] = patch[0].permute(1, 2, 0).byte().numpy()
            axis.imshow(mixed)
            axis.add_patch(Rectangle((x, y), width, height, fill=False, lw=2, ec=COLOURS[name]))
            squashed = f', aspect {width / height:.2f}' if abs(width - height) > 2 else ''
            axis.set(xticks=[], yticks=[], xlabel=f'λ {weights(box):.2f}{squashed}')


def show_weights(figure: Figure, drawn: dict[str, Tensor]) -> None:
    """Draw the distribution of the label weight of a sample, and of its mean over a batch."""
    left, right = figure.subplots(1, 2)
    for name, boxes in drawn.items():
        each = weights(boxes)
        style = dict(bins=np.linspace(0, 1, 51), density=True, histtype='step', lw=1.8,
                     color=COLOURS[name])
        left.hist(each.ravel(), label=f'{name}, mean {each.mean():.3f}', **style)
        right.hist(each.mean(1), label=f'sd {each.mean(1).std():.3f}', **style)
    left.set(xlabel="λ, the source's label weight", ylabel='density', title='of a sample')
    right.set(xlabel='mean λ', title=f'mean of a batch of {BATCH}')
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=8)


def show_cover(figure: Figure, drawn: dict[str, Tensor]) -> None:
    """Draw how often each pixel is pasted over."""
    axes = figure.subplots(1, len(drawn))
    for axis, (name, boxes) in zip(axes, drawn.items()):
        edges = np.zeros((SIDE + 1, SIDE + 1))  # corners get +1 or -1; the sums below count the boxes
        x1, y1, x2, y2 = boxes.reshape(-1, 4).numpy().T
        for x, y, sign in ((x1, y1, 1), (x2, y2, 1), (x1, y2, -1), (x2, y1, -1)):
            np.add.at(edges, (y, x), sign)
        share = edges.cumsum(0).cumsum(1) / len(x1)
        image = axis.imshow(share[:-1, :-1], vmin=0, vmax=.6)
        axis.set(title=name, xticks=[], yticks=[], xlabel=f'at a corner {share[0, 0]:.2f}, '
                 f'in the centre {share[SIDE // 2, SIDE // 2]:.2f}')
    figure.colorbar(image, ax=axes, label='share of mixes that paste here', shrink=.8)


def write(name: str, size: tuple[float, float], show: Callable, *arguments, dpi: int = 85) -> None:
    """Write what ``show`` draws to a PNG file."""
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    show(figure, *arguments)
    with whole_file(PICTURES / name) as unfinished:
        figure.savefig(unfinished, format='png', dpi=dpi, metadata={'Software': None})


def main() -> None:
    drawn = {name: torch.stack([draw() for _ in range(BATCHES)]) for name, draw in draws().items()}
    write('mixing-boxes.png', (8, 5.6), show_boxes)
    write('mixing-weights.png', (9, 3.4), show_weights, {name: drawn[name] for name in COLOURS})
    write('mixing-cover.png', (9, 3.2), show_cover,
          {name: drawn[name] for name in (OURS, UNIFORM, PEER)})
    for name, boxes in drawn.items():
        width, height = sides(boxes)
        touches = ((boxes == 0) | (boxes == SIDE)).any(-1).float().mean()
        print(f'{name}: mean λ {weights(boxes).mean():.3f}, {touches:.0%} touch a border, aspect '
              f'{(width / height).min():.2f} to {(width / height).max():.2f}')


if __name__ == '__main__':
    main()
