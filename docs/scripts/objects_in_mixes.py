"""Measure what mixing does to objects: "object information missing" and "label misallocation".

    python docs/scripts/objects_in_mixes.py --coco data/coco/annotations/instances_val2017.json \\
        data/coco/val2017
    python docs/scripts/objects_in_mixes.py --voc data/VOCdevkit/VOC2007 test

It reads any data set with boxes, in COCO's or VOC's format, and writes a table and a picture to
docs/.
"""
import argparse
from pathlib import Path

import numpy as np

from mmresizemix import CutMix, PatchMix, ResizeMix, SaliencyMix
from mmresizemix.console.command import run_command
from mmresizemix.console.progress_bar import progress_bar
from mmresizemix.files import whole_file
from mmresizemix.show.objects import Shares, measure_objects, read_coco, read_voc

METHODS = {
    'CutMix': CutMix(seed=0),
    'SaliencyMix': SaliencyMix(seed=0),
    "cut, of ResizeMix's sizes": PatchMix('random', 'random', seed=0),
    'ResizeMix': ResizeMix(seed=0),
}
COLOURS = dict(zip(METHODS, ('#777777', '#c77c11', '#7a5ba8', '#0b7a75')))
NAME = 'objects-in-mixes'
TEXT = """# What mixing does to objects

The paper says that cutting loses objects of the source ("object information missing") and gives labels of objects that are
not in the picture ("label misallocation", Sec. 1, Fig. 1). This page measures both on {count:,} pictures with boxes of
{source}. Each method made {mixes} mixes of the same pictures, at {side} x {side}. An object is the inside of its box.

{table}

- **Label weight**: this is the mean λ of the source.
- **Objects kept**: this is the mean share of the area of the source's objects that is in the patch.
- **No object**: of the mixes whose label names the source, this is the share whose patch has less than 1 % of its objects.
- **Label off by**: this is the mean of |λ - the source's share of the area of all objects in the mixed picture|. It is not 0
  for ResizeMix, because λ is the patch's share of the picture, and objects fill some pictures more than others.
- **One in ten more than**: one mix in ten has a label that is off by more than this value.

ResizeMix's patches are smaller than CutMix's. The third row cuts patches of ResizeMix's sizes, from anywhere to anywhere
(Table 1, row 5), so the last two rows differ only in cutting or resizing.

![how many mixes keep how much](pictures/{name}.png)

    {command}
"""


def table(found: dict[str, Shares]) -> str:
    lines = ['| | label weight | objects kept | no object | label off by | one in ten more than |',
             '|---|---:|---:|---:|---:|---:|']
    lines += [f'| {name} | {one.lam.mean():.3f} | {one.kept.mean():.1%} | {one.gone:.1%} | '
              f'{one.error.mean():.3f} | {np.quantile(one.error, 0.9):.2f} |'
              for name, one in found.items()]
    return '\n'.join(lines)


def draw(found: dict[str, Shares], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for axis, field, title in ((left, 'kept', "area of the source's objects kept"),
                               (right, 'error', '|label weight - visible share|')):
        for name, one in found.items():
            values = np.sort(getattr(one, field))
            axis.step(np.r_[0, values, 1], np.r_[0, np.arange(1, len(values) + 1), len(values)]
                      / len(values), where='post', label=name, color=COLOURS[name], lw=1.8)
        axis.set_xlabel(title)
        axis.set_xlim(-0.01, 1.01)
        axis.set_ylim(0, 1.01)
        axis.grid(alpha=0.3)
    left.set_ylabel('share of mixes with at most that')
    left.legend(frameon=False)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format='png', dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--coco', nargs=2, type=Path, metavar=('JSON', 'FOLDER'))
    source.add_argument('--voc', nargs=2, metavar=('FOLDER', 'LIST'))
    parser.add_argument('--name', help='name of the data set on the page (default: the name of its file)')
    parser.add_argument('--mixes', type=int, default=10_000, help='number of mixes per method (default: 10,000)')
    parser.add_argument('--size', type=int, default=224, help='side of the pictures in pixels (default: 224)')
    parser.add_argument('--out', type=Path, default=Path(__file__).parents[1],
                        help='folder to write into (default: docs)')
    args = parser.parse_args()
    pictures = read_coco(*args.coco) if args.coco else read_voc(*args.voc)
    name = args.name or (args.coco[0].stem if args.coco else f'{Path(args.voc[0]).name} {args.voc[1]}')
    with progress_bar('mixing') as progress:
        found = measure_objects(
            pictures, METHODS, mixes=args.mixes, side=args.size, progress=progress)
    (args.out / 'pictures').mkdir(exist_ok=True)
    draw(found, args.out / f'pictures/{NAME}.png')
    how = '--coco JSON FOLDER' if args.coco else '--voc FOLDER LIST'
    text = TEXT.format(count=len(pictures), source=name, mixes=f'{len(found["ResizeMix"].lam):,}',
                       side=args.size, table=table(found), name=NAME,
                       command=f'python docs/scripts/{NAME.replace("-", "_")}.py {how}')
    with whole_file(args.out / f'{NAME}.md') as unfinished:
        unfinished.write_text(text)
    print(table(found))
    print(args.out / f'{NAME}.md')


if __name__ == '__main__':
    run_command(main)
