"""Time steps of our SSD300 and Faster R-CNN with ResNet-50 on synthetic pictures, with and without
--amp.

    python benchmarks/detecting.py [--workers 8] [--rounds 15]
    python benchmarks/detecting.py --small     # on a CPU: shows that it runs, not how fast it is

A round is ten steps through MMEngine's loop with all its hooks, loaders and logs.
"""
from typing import ClassVar

import torch
from loops import FEW_STEPS, STEPS, device_name, read, steps_of, wait_for_device
from mmdet.structures import DetDataSample
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import InstanceData
from side_by_side import in_turn, parser, report, seconds_of, skip
from torch.utils.data import Dataset

from mmresizemix.training.options import use_amp

QUESTION = 'Fine-tuning {} with ResNet-50 on synthetic pictures, a GPU'
# The values are: config, height and width of a picture, pictures per step.
DETECTORS = {
    'SSD300': ('configs/ssd/ssd300_r50_8xb8-24e_coco.py', (300, 300), 64),
    'Faster R-CNN': ('configs/faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py', (800, 1216), 16)}
OBJECTS = 7  # per picture, as COCO has on average


@DATASETS.register_module()
class SyntheticScenes(Dataset):
    """Pictures of noise, (3, height, width) uint8, with boxes of all sizes."""
    metainfo: ClassVar[dict] = dict(classes=tuple(map(str, range(80))))

    def __init__(self, size: tuple[int, int], length: int):
        generator = torch.Generator().manual_seed(0)
        self.size, self.length = size, length
        self.noise = torch.randint(0, 256, (16, 3, *size), dtype=torch.uint8, generator=generator)
        extent = torch.tensor([size[1], size[0]])
        centres = torch.rand(16, OBJECTS, 2, generator=generator) * extent
        sides = (0.05 + 0.5 * torch.rand(16, OBJECTS, 2, generator=generator)) * extent
        low, high = (centres - sides / 2).clamp(min=0), torch.minimum(centres + sides / 2, extent)
        self.boxes = torch.cat([low, high], 2)
        self.labels = torch.randint(80, (16, OBJECTS), generator=generator)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        i = index % len(self.noise)
        sample = DetDataSample(metainfo=dict(
            img_id=index, img_shape=self.size, ori_shape=self.size, scale_factor=(1., 1.)))
        sample.gt_instances = InstanceData(bboxes=self.boxes[i], labels=self.labels[i])
        return dict(inputs=self.noise[i], data_samples=sample)


def steps(config: str, size: tuple[int, int], batch: int, args, amp: bool):
    init_default_scope('mmdet')
    cfg = read(config, 'mmdet')
    # The backbone loads no file. The guard would refuse that, so it is left out of the hooks.
    cfg.model.backbone.init_cfg = None
    cfg.custom_hooks = [h for h in cfg.custom_hooks if h['type'] == 'mmresizemix.EpochSeedHook']
    cfg.train_dataloader.update(batch_size=batch, num_workers=args.workers,
                                persistent_workers=False, batch_sampler=None)
    cfg.train_dataloader.dataset = dict(type='SyntheticScenes', size=size, length=batch * 100_000)
    if amp and torch.cuda.is_available():
        use_amp(cfg)
    return steps_of(cfg, args.steps)[0]


def main() -> None:
    args = parser(__doc__)
    args.add_argument('--workers', type=int, default=8)
    args.add_argument('--small', action='store_true')
    args.set_defaults(steps=STEPS)
    args = args.parse_args()
    for name, (config, size, batch) in DETECTORS.items():
        key = f'detecting-{name.split()[0].lower()}'
        # A rehearsal on a CPU is kept under another name, so that it never becomes a figure.
        if args.small:
            key, size, batch = f'{key}-small', (300, 300), 2
            args.workers, args.steps = 0, FEW_STEPS
        elif not torch.cuda.is_available():
            skip(key, QUESTION.format(name), 'no GPU')
            continue
        candidates = {f'mmresizemix{" --amp" if amp else ""}':
                      steps(config, size, batch, args, amp) for amp in (False, True)}
        times = in_turn({one: lambda run=run: seconds_of(run, wait_for_device)
                         for one, run in candidates.items()}, args.rounds)
        report(key, QUESTION.format(name),
               f'batch {batch}, {size[1]} x {size[0]} px, {device_name()}', times, 'mmresizemix',
               per=args.steps * batch)


if __name__ == '__main__':
    main()
