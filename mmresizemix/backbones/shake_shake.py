"""Shake-Shake regularisation (arXiv 1705.07485), which mixes two branches at random in the forward
pass, and their gradients at random again in the backward pass."""
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..registry import MODELS

STEM_CHANNELS = 16
STRIDES = (1, 2, 2)


def shake(a: Tensor, b: Tensor, training: bool) -> Tensor:
    """Return α a + (1 - α) b, with the gradient of β a + (1 - β) b.

    α and β are uniform, and are drawn per picture from torch's global generator. If not
    ``training``, return (a + b) / 2 and draw nothing.
    """
    if not training:
        return (a + b) / 2
    alpha, beta = torch.rand(2, len(a), 1, 1, 1, device=a.device, dtype=a.dtype)
    # The detached term corrects the value from β to α and has no gradient.
    return beta * a + (1 - beta) * b + ((alpha - beta) * (a - b)).detach()


def _branch(channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False),
        nn.BatchNorm2d(out_channels), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False), nn.BatchNorm2d(out_channels))


class _Shortcut(nn.Module):
    """A shortcut that takes half of the channels from every ``stride``-th pixel. It takes the other
    half from the pixels one row up and one column to the left (zeros beyond the border), as in the
    authors' code."""

    def __init__(self, channels: int, out_channels: int, stride: int):
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(channels, out_channels // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, out_channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x, n = F.relu(x), self.stride
        shifted = F.pad(x[:, :, :-1, :-1], (1, 0, 1, 0))
        return self.norm(torch.cat([self.conv1(x[:, :, ::n, ::n]),
                                    self.conv2(shifted[:, :, ::n, ::n])], dim=1))


class _Block(nn.Module):

    def __init__(self, channels: int, out_channels: int, stride: int):
        super().__init__()
        self.branch1 = _branch(channels, out_channels, stride)
        self.branch2 = _branch(channels, out_channels, stride)
        self.shortcut = nn.Identity() if channels == out_channels else _Shortcut(
            channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + shake(self.branch1(x), self.branch2(x), self.training)


@MODELS.register_module()
class ShakeShake(BaseModule):
    """Shake-Shake-Image with two branches.

    It has three stages of (depth - 2) / 6 blocks with 1, 2 and 4 times ``base_channels`` channels,
    at strides 1, 2 and 2. 26 2x96d has 26.2 M parameters. In training it draws from torch's global
    generator, which ``EpochSeedHook`` seeds each epoch.

    It returns one map, (N, 4 ``base_channels``, H / 4, W / 4), from its last layer, ``relu``.

    Args:
        depth: 6 n + 2, e.g. 26.
        base_channels: the number of channels of the first stage, an even number.
        init_cfg: MMEngine's setting. Defaults to a normal distribution by fan-out, as in the
            authors' code.

    Raises:
        ValueError: an argument is not as above.

    Source: Gastaldi, Shake-Shake regularization, 2017.
    """

    def __init__(self, depth: int = 26, base_channels: int = 96,
                 init_cfg: dict | list | None = None):
        if depth < 8 or (depth - 2) % 6:
            raise ValueError('ShakeShake: depth: expected 6 n + 2, such as 14, 20 or 26, got '
                             f'{depth}')
        if base_channels < 2 or base_channels % 2:
            raise ValueError('ShakeShake: base_channels: expected an even number, got '
                             f'{base_channels}')
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d', mode='fan_out'))
        channels = STEM_CHANNELS
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 1, 1, bias=False),
                                  nn.BatchNorm2d(channels))
        # The first block of a stage has its stride and changes the number of channels.
        for i, stride in enumerate(STRIDES):
            width = base_channels * 2**i
            blocks = []
            for k in range((depth - 2) // 6):
                blocks.append(_Block(channels, width, stride if k == 0 else 1))
                channels = width
            self.add_module(f'stage{i + 1}', nn.Sequential(*blocks))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map (N, 3, H, W) pictures to ((N, 4 · base_channels, H / 4, W / 4), )."""
        return (self.relu(self.stage3(self.stage2(self.stage1(self.stem(x))))), )
