"""Time reading and tabulating many folders of finished runs, each of 12 epochs of Faster R-CNN on
COCO.

    python benchmarks/reading.py [--runs 1000]
"""
import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from mmengine.config import Config
from side_by_side import report_growth

from mmresizemix.report.make import make_comparison

CONFIG = Path(__file__).parents[1] / 'configs/faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py'
METHODS = ('baseline', 'cutmix', 'resizemix', 'mixup')
METRICS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
EPOCHS, LINES = 12, 146  # LINES of training are logged per epoch, one every 50 steps


def write_run(folder: Path, config: str, method: str, seed: int, rng) -> None:
    """Write the files that MMEngine and the guard leave, except checkpoints."""
    start = folder / '20260101_000000'
    (start / 'vis_data').mkdir(parents=True)
    (start / 'vis_data/config.py').write_text(f'{config}\nrandomness = dict(seed={seed})\n')
    lines = []
    for epoch in range(1, EPOCHS + 1):
        lines += [json.dumps(dict(lr=0.02, data_time=0.01, loss=1.2, loss_cls=0.4, loss_bbox=0.3,
                                  time=0.4, epoch=epoch, iter=50 * i, memory=4000, step=50 * i))
                  for i in range(1, LINES + 1)]
        lines.append(json.dumps({**{f'coco/bbox_{m}': rng.normal(0.38, 0.003) for m in METRICS},
                                 'step': epoch}))
    (start / 'vis_data/scalars.json').write_text('\n'.join(lines) + '\n')
    (folder / 'backbone.json').write_text(json.dumps(dict(
        method=method, digest=method, file=f'{method}.pth', stamp=dict(top1=76.0))))


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--runs', type=int, default=1000)
    runs = args.parse_args().runs
    rng, config = np.random.default_rng(0), Config.fromfile(CONFIG).pretty_text
    found: dict[str, dict[int, float]] = dict(tables={}, report={})
    with tempfile.TemporaryDirectory() as scratch:
        # The runs are in eight folders of equal size. 1, 2, 4 and then all 8 of them are read.
        for i in range(runs):
            write_run(Path(scratch, f'{i % 8}/{i}'), config, METHODS[i // 8 % len(METHODS)], i, rng)
        for part in (1, 2, 4, 8):  # eighths of the runs
            folders = [Path(scratch, str(n)) for n in range(part)]
            for kind, formats in (('tables', ['md', 'csv', 'json', 'latex']), ('report', ['html'])):
                begin = time.perf_counter()
                result = make_comparison(folders, Path(scratch, 'out'), formats=formats, quiet=True)
                seconds = time.perf_counter() - begin
                found[kind][sum(len(cell.runs) for cell in result.cells.values())] = seconds
    for kind, seconds in found.items():
        report_growth(f'growth-reading-{kind}', f'Reading finished runs and writing the {kind}',
                      f'{EPOCHS} epochs, {EPOCHS * LINES} lines of log each (goal: 10 s for 1,000)',
                      'runs', seconds)


if __name__ == '__main__':
    main()
