"""RandAugment and similar augmentations *after* mixing (paper, Sec. 5.3.2, Table 7)."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .base import BatchAugment, check
from .generator import derive_seed


class MixThenAugment:
    """Mix a batch, then augment each mixed picture as a whole.

    "Performing RandAugment on two images independently before mixing leads the two images to
    different patterns, which destroys the naturality of the mixed image" (Sec. 5.3.2). Pictures
    are converted back to the 8 bits that such operations work on, and are normalised again
    afterwards.

    Args:
        mix (dict): a batch augment of this package, e.g. ``dict(type='mmresizemix.ResizeMix')``.
        transforms (list[dict]): transforms of ``torchvision.transforms.v2``, by name, e.g.
            ``[dict(type='RandAugment', num_ops=2, magnitude=9)]``.
        mean, std (Sequence[float], optional): the mean and standard deviation of the normalisation,
            in 0..255. Give both or none. They default to those of the attached model's
            ``data_preprocessor``.

    Raises:
        ValueError: an argument is not as above, or mean and std are unknown when it is called.
    """

    def __init__(self, mix: Mapping[str, Any] | BatchAugment,
                 transforms: Sequence[Mapping[str, Any]], mean: Sequence[float] | None = None,
                 std: Sequence[float] | None = None):
        if isinstance(mix, Mapping):
            from mmpretrain.registry import BATCH_AUGMENTS  # for configs only
            mix = BATCH_AUGMENTS.children['mmresizemix'].build(dict(mix))
        check('mix', mix, 'a batch augment of mmresizemix', isinstance(mix, BatchAugment))
        check('mean, std', (mean, std), 'both or none', (mean is None) == (std is None))
        self.mix: Any = mix
        self.mean, self.std = mean, std
        self.transform = compose(transforms)

    def __call__(self, inputs: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mix a batch as :class:`BatchAugment` does, then augment it. Pictures are RGB or gray."""
        mixed, scores = self.mix(inputs, scores)
        return self.augment(mixed), scores

    def augment(self, inputs: Tensor) -> Tensor:
        """Augment each of (N, C, H, W) normalised pictures. The random seed is drawn from the mix's
        generator."""
        if self.mean is None or self.std is None:
            raise ValueError(
                'MixThenAugment: expected mean and std, or a model that has them. In a config, '
                "add dict(type='mmresizemix.AttachModelHook') to custom_hooks")
        mean, std = (torch.tensor(v, device=inputs.device)[:, None, None]
                     for v in (self.mean, self.std))
        # Undo the normalisation.
        pictures = (inputs * std + mean).round().clamp(0, 255).byte()
        seed = torch.randint(2**62, (), generator=self.mix.generator)
        # The transforms draw from torch's global generator only. It is seeded here for their use,
        # and fork_rng restores it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(int(seed)))
            pictures = torch.stack([self.transform(picture) for picture in pictures])
        return ((pictures - mean) / std).to(inputs.dtype)

    def set_epoch(self, epoch: int, seed: int | None = None) -> None:
        """Set the epoch of the augment that mixes."""
        self.mix.set_epoch(epoch, seed)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the augment that mixes."""
        return self.mix.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of the augment that mixes."""
        self.mix.load_state_dict(state)

    def attach(self, model: nn.Module) -> None:
        """Pass the model to the augment that mixes, and read how the model normalises pictures."""
        self.mix.attach(model)
        preprocessor = getattr(model, 'data_preprocessor', None)
        if self.mean is None and getattr(preprocessor, '_enable_normalize', False):
            self.mean, self.std = (getattr(preprocessor, name).flatten().tolist()
                                   for name in ('mean', 'std'))

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.mix!r}, {self.transform})'


def compose(transforms: Sequence[Mapping[str, Any]]) -> nn.Module:
    """Compose torchvision's v2 transforms, each given as ``dict(type=..., ...)``.

    Raises:
        ValueError: the list is empty, or torchvision has no transform of a given name."""
    from torchvision.transforms import v2
    check('transforms', transforms, 'at least one', bool(transforms))
    found = []
    for settings in transforms:
        settings = dict(settings)
        name = str(settings.pop('type', None))
        kind: Any = getattr(v2, name, None)
        check('transforms', name, 'the name of one of torchvision.transforms.v2',
              isinstance(kind, type) and issubclass(kind, v2.Transform))
        found.append(kind(**settings))
    return v2.Compose(found)
