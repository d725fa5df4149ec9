"""Time steps of ResNet-50 pretraining on synthetic pictures, with and without --fast. They are
compared with mmpretrain's stock config with --amp and with timm's way of training.

    python benchmarks/training.py [--batch 256] [--workers 8] [--rounds 15]
    python benchmarks/training.py --small      # on a CPU: shows that it runs, not how fast it is

It first compares the loss curves with and without --fast. A round is ten steps through MMEngine's
loop with all its hooks, loaders and logs.
"""
import statistics
from typing import ClassVar

import torch
from loops import FEW_STEPS, STEPS, device_name, read, steps_of, wait_for_device
from mmengine.registry import DATASETS, init_default_scope
from mmpretrain.structures import DataSample
from side_by_side import in_turn, parser, report, seconds_of, skip
from torch.utils.data import Dataset

from mmresizemix.training.fast import use_fast_training
from mmresizemix.training.options import use_amp

QUESTION = 'Pretraining ResNet-50 on synthetic pictures, a GPU'


@DATASETS.register_module()
class SyntheticPictures(Dataset):
    """Pictures that a network can learn, (3, side, side) uint8: a colour per class, with noise."""
    metainfo: ClassVar[dict] = {}

    def __init__(self, side: int, classes: int, length: int):
        generator = torch.Generator().manual_seed(0)
        self.noise = torch.randint(0, 128, (64, 3, side, side), dtype=torch.uint8,
                                   generator=generator)
        self.colours = torch.randint(0, 128, (classes, 3, 1, 1), dtype=torch.uint8,
                                     generator=generator)
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        label = index % len(self.colours)
        return dict(inputs=self.noise[index % len(self.noise)] + self.colours[label],
                    data_samples=DataSample().set_gt_label(label))


def openmmlab(config: str, args, fast: bool = False, amp: bool = False):
    """Return two functions: one runs a round of MMEngine's loop, one returns its first losses."""
    init_default_scope('mmpretrain')
    cfg = read(config, 'mmpretrain')
    # The pictures are synthetic, so that the disk and decoding do not limit the steps.
    cfg.train_dataloader.update(
        batch_size=args.batch, num_workers=args.workers, pin_memory=True,
        collate_fn=dict(type='default_collate'), persistent_workers=False)
    cfg.train_dataloader.dataset = dict(type='SyntheticPictures', side=args.side, classes=100,
                                        length=args.batch * 100_000)
    # A rehearsal on a CPU uses a smaller network.
    cfg.model.backbone.depth = args.depth
    cfg.model.head.in_channels = 2048 if args.depth >= 50 else 512
    cfg.optim_wrapper.optimizer.lr = 0.05
    if fast:
        use_fast_training(cfg)
    elif amp and torch.cuda.is_available():
        use_amp(cfg)
    steps, runner = steps_of(cfg, args.steps)

    def losses(count: int) -> list[float]:
        # Fast training logs its losses only once in some hundred steps, all at once.
        logged = runner.message_hub.log_scalars
        while 'train/loss' not in logged or len(logged['train/loss'].data[0]) < count:
            steps()
        return logged['train/loss'].data[0][:count].tolist()

    return steps, losses


def timm_way(args):
    """Return a function that runs a round of timm's way of training.

    This is channels_last, bfloat16, a compiled model, and soft labels by timm's CutMix. The
    pictures are on the GPU already.
    """
    import timm
    from timm.data import Mixup
    from timm.loss import SoftTargetCrossEntropy
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = timm.create_model(f'resnet{args.depth}', num_classes=1000).to(
        device, memory_format=torch.channels_last)
    model = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=4e-5)
    loss_of = SoftTargetCrossEntropy()
    mix = Mixup(mixup_alpha=0, cutmix_alpha=1, num_classes=1000, label_smoothing=0)
    pictures = torch.randn(args.batch, 3, args.side, args.side, device=device)
    labels = torch.randint(1000, (args.batch, ), device=device)

    def steps() -> None:
        for _ in range(args.steps):
            x, y = mix(pictures.contiguous(memory_format=torch.channels_last), labels)
            with torch.autocast(device, torch.bfloat16):
                loss = loss_of(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def compare_curves(plain: list[float], fast: list[float], part: int = 20) -> None:
    """Print the means of every ``part`` steps, and their noise from the spread of plain losses."""
    print(f'loss over {len(plain)} steps, means of {part}: '
          'without --fast, with --fast, noise of a mean')
    for i in range(0, len(plain), part):
        noise = statistics.stdev(plain[i:i + part]) / part**0.5
        a, b = (statistics.mean(losses[i:i + part]) for losses in (plain, fast))
        print(f'  {a:.4f}  {b:.4f}  {noise:.4f}')


def main() -> None:
    args = parser(__doc__)
    args.add_argument('--batch', type=int, default=256)
    args.add_argument('--workers', type=int, default=8)
    args.add_argument('--side', type=int, default=224)
    args.add_argument('--depth', type=int, default=50)
    args.add_argument('--curve', type=int, default=200, help='steps whose losses are compared')
    args.add_argument('--small', action='store_true')
    args.set_defaults(steps=STEPS)
    args = args.parse_args()
    if args.small:
        args.batch, args.workers, args.side, args.depth, args.curve = 16, 0, 48, 18, 20
        args.steps = FEW_STEPS
    elif not torch.cuda.is_available():
        skip('training', QUESTION, 'no GPU')
        return
    # Both start from the same seed, so that their losses can be compared step by step.
    ours = 'configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py'
    torch.manual_seed(0)
    fast, fast_losses = openmmlab(ours, args, fast=True)
    torch.manual_seed(0)
    plain, plain_losses = openmmlab(ours, args)
    compare_curves(plain_losses(args.curve), fast_losses(args.curve))
    stock, _ = openmmlab('mmpretrain::resnet/resnet50_8xb32_in1k.py', args, amp=True)
    # The candidates take turns, so that changes of the machine's speed affect all of them.
    candidates = {'mmresizemix --fast, ResizeMix': fast, 'mmresizemix, ResizeMix': plain,
                  'mmpretrain stock --amp': stock}
    try:
        candidates['timm, bfloat16, compiled, CutMix'] = timm_way(args)
    except ImportError:
        print('timm is not installed, so it is left out')
    times = in_turn({name: lambda run=run: seconds_of(run, wait_for_device)
                     for name, run in candidates.items()}, args.rounds)
    if args.small:
        print('This was a rehearsal on a CPU: its figures are of no use')
    report('training' if not args.small else 'training-small', QUESTION,
           f'batch {args.batch}, {args.side} px, {device_name()}', times, 'mmpretrain stock --amp',
           {'mmresizemix --fast, ResizeMix': '>= 1.5, timm at least'}, per=args.steps * args.batch)


if __name__ == '__main__':
    main()
