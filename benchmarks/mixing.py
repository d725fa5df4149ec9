"""Time the mixing of a batch by this project, mmpretrain, timm, torchvision, kornia and the
authors' loop.

    python benchmarks/mixing.py [--batch 64] [--size 224] [--threads 2] [--rounds 15]

The benchmark runs on a CPU, and on a GPU if there is one. It then measures how the time grows with
the batch and the picture.
"""
from functools import partial

import torch
import torch.nn.functional as F
from mmpretrain.models.utils import batch_augments as mmpretrain
from side_by_side import in_turn, parser, report, report_growth, seconds_of, skip

from mmresizemix import CutMix, ResizeMix

CALLS = 8
GPU_BATCHES = (64, 256, 1024)
RESIZEMIX = {'mmresizemix': '<= 0.4', 'mmresizemix, per batch, nearest': ''}
CUTMIX = {'mmresizemix': '<= 1.2', 'mmresizemix, per batch': '<= 1.0'}


def authors_resizemix(inputs, scores, alpha=0.1, beta=0.8):
    """Mix as the released code does: one τ per batch, nearest neighbour, one place per sample."""
    height, width = inputs.shape[-2:]
    tau = float(torch.empty(()).uniform_(alpha, beta))
    h, w = int(height * tau), int(width * tau)
    partner = torch.randperm(len(inputs))
    patches = F.interpolate(inputs.clone(), (h, w), mode='nearest')
    for i in range(len(inputs)):
        y, x = int(torch.randint(height - h + 1, ())), int(torch.randint(width - w + 1, ()))
        inputs[i, :, y:y + h, x:x + w] = patches[partner[i]]
    return inputs, (1 - tau**2) * scores + tau**2 * scores[partner]


def resizemix_candidates(inputs, scores) -> dict:
    return {
        'mmresizemix': (ResizeMix(inplace=True), inputs, scores),
        'mmresizemix, per batch, nearest': (
            ResizeMix(per='batch', interpolation='nearest', inplace=True), inputs, scores),
        'mmpretrain': (mmpretrain.ResizeMix(alpha=1.0), inputs, scores),
        "authors' loop, per batch, nearest": (authors_resizemix, inputs, scores),
    }


def cutmix_candidates(inputs, scores) -> dict:
    # timm, torchvision and kornia take class numbers, and the others take scores.
    labels = scores.argmax(1)
    found = {
        'mmresizemix': (CutMix(inplace=True), inputs, scores),
        'mmresizemix, per batch': (CutMix(per='batch', inplace=True), inputs, scores),
        'mmpretrain, per batch': (mmpretrain.CutMix(alpha=1.0), inputs, scores),
    }
    try:
        from timm.data import Mixup
        for mode in ('batch', 'elem'):
            found[f'timm, {mode}'] = (Mixup(mixup_alpha=0, cutmix_alpha=1, mode=mode,
                                            num_classes=len(scores)), inputs, labels)
    except ImportError:
        print('timm is not installed, so it is left out')
    from torchvision.transforms import v2
    found['torchvision v2, per batch'] = (v2.CutMix(num_classes=len(scores)), inputs, labels)
    try:
        from kornia.augmentation import RandomCutMixV2
        found['kornia'] = (RandomCutMixV2(data_keys=['input', 'class'], p=1), inputs, labels)
    except ImportError:
        print('kornia is not installed, so it is left out')
    return found


def compare(candidates: dict, rounds: int, finish=lambda: None) -> dict[str, list[float]]:
    """Time each candidate, in seconds per batch.

    Each value is the mean of ``CALLS`` batches, since the cost of a box depends on its size.
    """
    def seconds(f, x, y):
        return seconds_of(lambda: [f(x, y) for _ in range(CALLS)], finish) / CALLS
    return in_turn({name: partial(seconds, *call) for name, call in candidates.items()}, rounds)


def on_cpu(batch: int, size: int, rounds: int) -> None:
    inputs, scores = torch.rand(batch, 3, size, size), torch.eye(batch)
    setting = (f'{batch}x3x{size}x{size} float32 in place (where a peer can), '
               f'{torch.get_num_threads()} CPU threads, the mean of {CALLS} batches per round')
    report('mixing-resizemix', 'ResizeMix of a batch on a CPU', setting,
           compare(resizemix_candidates(inputs, scores), rounds), 'mmpretrain', RESIZEMIX)
    report('mixing-cutmix', 'CutMix of a batch on a CPU', setting,
           compare(cutmix_candidates(inputs, scores), rounds), 'mmpretrain, per batch', CUTMIX)


def on_gpu(batch: int, size: int, rounds: int) -> None:
    name, question = f'mixing-gpu-{batch}', f'ResizeMix of {batch} pictures on a GPU'
    if not torch.cuda.is_available():
        skip(name, question, 'no GPU')
        return
    inputs = torch.rand(batch, 3, size, size, device='cuda')
    scores = torch.eye(batch, device='cuda')
    other = torch.empty_like(inputs)
    candidates = {  # any mixing must read and write about one batch, so a copy is the reference
        'copy of as many bytes': (lambda x, y: other.copy_(x), inputs, scores),
        **resizemix_candidates(inputs, scores)}
    report(name, question,
           f'{batch}x3x{size}x{size} float32, {torch.cuda.get_device_name()}',
           compare(candidates, rounds, torch.cuda.synchronize), 'copy of as many bytes',
           {'mmresizemix': '<= 1.5'})


def how_it_grows(rounds: int) -> None:
    for kind, what, sizes in (('batch', 'pictures of 224 x 224', (64, 128, 256, 512)),
                              ('side', '32 square pictures', (56, 112, 224, 448))):
        found = {}
        for n in sizes:
            batch, side = (n, 224) if kind == 'batch' else (32, n)
            x, y = torch.rand(batch, 3, side, side), torch.eye(batch)
            augment = ResizeMix(inplace=True)
            times = compare({'ours': (augment, x, y)}, rounds)['ours']
            found[n if kind == 'batch' else n * n] = sorted(times)[len(times) // 2]
        unit = 'pictures' if kind == 'batch' else 'pixels per picture'
        report_growth(f'growth-mixing-{kind}', f'ResizeMix on a CPU against {unit}', what, unit,
                      found)


def main() -> None:
    args = parser(__doc__)
    args.add_argument('--batch', type=int, default=64)
    args.add_argument('--size', type=int, default=224)
    args.add_argument('--threads', type=int, default=torch.get_num_threads())
    args.add_argument('--gpu-only', action='store_true', help='measure nothing on the CPU')
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if not args.gpu_only:
        on_cpu(args.batch, args.size, args.rounds)
    for batch in GPU_BATCHES:
        on_gpu(batch, args.size, args.rounds)
    if not args.gpu_only:
        how_it_grows(args.rounds)


if __name__ == '__main__':
    main()
