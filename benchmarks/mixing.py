"""Mixing a batch on the CPU: this project beside mmpretrain, in one process, in turn.

    python benchmarks/mixing.py [--batch 64] [--size 224] [--rounds 31] [--threads 2]

Prints the median time of each and the median of the ratios, round by round, to mmpretrain's.
"""
import argparse
import statistics
import time

import torch
from mmpretrain.models.utils import batch_augments as mmpretrain

from mmresizemix import CutMix, ResizeMix

PAIRS = {  # name -> (ours, theirs)
    'ResizeMix, per sample': (ResizeMix(inplace=True), mmpretrain.ResizeMix(alpha=1.0)),
    'ResizeMix, per batch, nearest': (
        ResizeMix(per='batch', interpolation='nearest', inplace=True),
        mmpretrain.ResizeMix(alpha=1.0)),
    'CutMix, per batch': (CutMix(per='batch', inplace=True), mmpretrain.CutMix(alpha=1.0)),
    'CutMix, per sample': (CutMix(inplace=True), mmpretrain.CutMix(alpha=1.0)),
}


def seconds(augment, inputs, scores) -> float:
    start = time.perf_counter()
    augment(inputs, scores)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--size', type=int, default=224)
    parser.add_argument('--rounds', type=int, default=31)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    inputs, scores = torch.rand(args.batch, 3, args.size, args.size), torch.eye(args.batch)

    print(f'{args.batch}x3x{args.size}x{args.size} float32 in place, torch {torch.__version__}, '
          f'{args.threads} threads, medians of {args.rounds} rounds')
    for name, (ours, theirs) in PAIRS.items():
        rounds = [(seconds(ours, inputs, scores), seconds(theirs, inputs, scores))
                  for _ in range(args.rounds + 3)][3:]  # the first warm up
        medians = [1e3 * statistics.median(column) for column in zip(*rounds)]
        ratio = statistics.median(a / b for a, b in rounds)
        print(f'{name:32s} {medians[0]:7.2f} ms   mmpretrain {medians[1]:7.2f} ms   '
              f'ratio {ratio:.2f}')


if __name__ == '__main__':
    main()
