"""Compare the time of each mixing method with that of ResizeMix and of a training step.

    python benchmarks/methods.py [--batch 16] [--size 224] [--rounds 15]

The model is ResNet-50. Methods that need a model use the same one. Everything runs on a GPU if
there is one.
"""
import torch
import torch.nn.functional as F
from side_by_side import in_turn, parser, report, seconds_of
from torchvision.models import resnet50

from mmresizemix import (
    CutMix,
    FMix,
    MixThenAugment,
    Mixup,
    PatchMix,
    PuzzleMix,
    ResizeMix,
    SaliencyMix,
)

CAM = dict(type='GradCAM', layer='layer4')
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
METHODS = {
    'ResizeMix': ResizeMix(inplace=True),
    'CutMix': CutMix(inplace=True),
    'Mixup': Mixup(inplace=True),
    'FMix': FMix(inplace=True),
    'FMix, one mask per batch': FMix(per='batch', inplace=True),
    'SaliencyMix': SaliencyMix(inplace=True),
    'Table 1, salient by Grad-CAM': PatchMix('salient', 'random', saliency=CAM, inplace=True),
    'Puzzle Mix': PuzzleMix(inplace=True),
    'ResizeMix, then RandAugment': MixThenAugment(
        ResizeMix(inplace=True), [dict(type='RandAugment')], MEAN, STD),
}
STEP = 'a training step of ResNet-50'


def main() -> None:
    args = parser(__doc__)
    args.add_argument('--batch', type=int, default=16)
    args.add_argument('--size', type=int, default=224)
    args = args.parse_args()
    torch.manual_seed(0)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    finish = torch.cuda.synchronize if device == 'cuda' else lambda: None
    # The training step is the reference: a method should cost little compared with it.
    model = resnet50().to(device)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    inputs = torch.randn(args.batch, 3, args.size, args.size, device=device)
    scores = torch.eye(args.batch, 1000, device=device)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), scores).backward()
        optimizer.step()

    candidates = {name: lambda augment=augment: seconds_of(lambda: augment(inputs, scores), finish)
                  for name, augment in METHODS.items()}
    # Methods that need a model use the one that is trained.
    for augment in METHODS.values():
        augment.attach(model)
    candidates[STEP] = lambda: seconds_of(step, finish)
    machine = torch.cuda.get_device_name() if device == 'cuda' else (
        f'{torch.get_num_threads()} CPU threads')
    report('methods', 'What the methods cost',
           f'{args.batch}x3x{args.size}x{args.size} float32, one draw per sample, {machine}',
           in_turn(candidates, args.rounds, warm_up=1), 'ResizeMix')


if __name__ == '__main__':
    main()
