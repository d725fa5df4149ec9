"""Wide ResNet for CIFAR (arXiv 1605.07146), which neither mmpretrain nor torchvision has. Their
networks of that name are for ImageNet and have bottlenecks."""
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..registry import MODELS

STRIDES = (1, 2, 2)


class _Block(nn.Module):
    """A pre-activated block: BN, ReLU, 3x3, BN, ReLU, dropout, 3x3. If the shape changes, the
    shortcut is a 1x1 convolution of the activated input."""

    def __init__(self, channels: int, out_channels: int, stride: int, dropout: float):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        changes = stride > 1 or channels != out_channels
        self.shortcut = nn.Conv2d(channels, out_channels, 1, stride,
                                  bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(h)
        h = self.conv1(h)
        return shortcut + self.conv2(self.dropout(F.relu(self.norm2(h))))


@MODELS.register_module()
class WideResNet(BaseModule):
    """The Wide ResNet WRN-``depth``-``widen_factor``.

    It has three stages of (depth - 4) / 6 blocks with 16, 32 and 64 times ``widen_factor``
    channels, at strides 1, 2 and 2. WRN-28-10 has 36.5 M parameters.

    It returns one map, (N, 64 ``widen_factor``, H / 4, W / 4), from its last layer, ``relu``.

    Args:
        depth: 6 n + 4, e.g. 28.
        widen_factor: the factor of the number of channels, at least 1.
        dropout: the dropout probability between the convolutions of a block. Defaults to 0, as in
            the paper.
        init_cfg: MMEngine's setting. Defaults to a normal distribution by fan-out, as in the
            authors' code.

    Raises:
        ValueError: an argument is not as above.

    Source: Zagoruyko & Komodakis, Wide Residual Networks, 2016.
    """

    def __init__(self, depth: int = 28, widen_factor: int = 10, dropout: float = 0.,
                 init_cfg: dict | list | None = None):
        if depth < 10 or (depth - 4) % 6:
            raise ValueError('WideResNet: depth: expected 6 n + 4, such as 16, 28 or 40, got '
                             f'{depth}')
        if widen_factor < 1:
            raise ValueError(f'WideResNet: widen_factor: expected at least 1, got {widen_factor}')
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d', mode='fan_out'))
        channels = 16
        self.stem = nn.Conv2d(3, channels, 3, 1, 1, bias=False)
        # The first block of a stage has its stride and changes the number of channels.
        for i, stride in enumerate(STRIDES):
            width = 16 * widen_factor * 2**i
            blocks = []
            for k in range((depth - 4) // 6):
                blocks.append(_Block(channels, width, stride if k == 0 else 1, dropout))
                channels = width
            self.add_module(f'stage{i + 1}', nn.Sequential(*blocks))
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map (N, 3, H, W) pictures to ((N, 64 · widen_factor, H / 4, W / 4), )."""
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return (self.relu(self.norm(x)), )
