"""ResizeMix pretraining, carried into MMDetection's SSD and Faster R-CNN.

The import registers everything under the scope ``mmresizemix``::

    custom_imports = dict(imports=['mmresizemix'], allow_failed_imports=False)

If PyTorch or OpenMMLab is missing, the import still succeeds and ``mmresizemix.results`` works. The
first use of anything else says what to install.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import stack

if TYPE_CHECKING:  # what __getattr__ returns, for editors and type checkers
    from .attaching import AttachModelHook as AttachModelHook
    from .backbones import ShakeShake as ShakeShake
    from .backbones import WideResNet as WideResNet
    from .batch_augments import CutMix as CutMix
    from .batch_augments import FMix as FMix
    from .batch_augments import Mix as Mix
    from .batch_augments import MixThenAugment as MixThenAugment
    from .batch_augments import Mixup as Mixup
    from .batch_augments import PatchMix as PatchMix
    from .batch_augments import PuzzleMix as PuzzleMix
    from .batch_augments import ResizeMix as ResizeMix
    from .batch_augments import SaliencyMix as SaliencyMix
    from .detection import CocoMetric as CocoMetric
    from .detection import DetectionDump as DetectionDump
    from .detection import SSDHead as SSDHead
    from .finite import FiniteWeightsHook as FiniteWeightsHook
    from .loading import LoadRandomResizedCrop as LoadRandomResizedCrop
    from .mix_log import MixLogHook as MixLogHook
    from .policies.epoch import PolicyEpochHook as PolicyEpochHook
    from .policies.transform import SearchedPolicy as SearchedPolicy
    from .samplers import BatchAugmentationSampler as BatchAugmentationSampler
    from .seeding import EpochSeedHook as EpochSeedHook
    from .transfer import BackboneGuard as BackboneGuard
    from .transfer import export_backbone as export_backbone

__version__ = '0.1.0'

# The subpackage or module ("room") of every public name.
_ROOM_OF = dict(
    Mix='batch_augments',
    ResizeMix='batch_augments',
    CutMix='batch_augments',
    Mixup='batch_augments',
    FMix='batch_augments',
    SaliencyMix='batch_augments',
    PatchMix='batch_augments',
    PuzzleMix='batch_augments',
    MixThenAugment='batch_augments',
    AttachModelHook='attaching',
    LoadRandomResizedCrop='loading',
    SearchedPolicy='policies',
    PolicyEpochHook='policies',
    WideResNet='backbones',
    ShakeShake='backbones',
    BatchAugmentationSampler='samplers',
    EpochSeedHook='seeding',
    MixLogHook='mix_log',
    FiniteWeightsHook='finite',
    BackboneGuard='transfer',
    export_backbone='transfer',
    SSDHead='detection',
    CocoMetric='detection',
    DetectionDump='detection',
)
__all__ = ['__version__', *_ROOM_OF]


def __getattr__(name: str) -> Any:
    """Import a public name from its room on first use (PEP 562)."""
    if name not in _ROOM_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    stack.require_for(_ROOM_OF[name])
    return getattr(import_module(f'{__name__}.{_ROOM_OF[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not stack.missing('torch', 'mmengine', 'mmcv'):
    stack.check_versions()
    stack.warn_of_mixed_families()
    from . import installed, ops, registry  # noqa: F401

    installed.tell_mmengine()
    ops.install_fallback()
    # MMEngine before 0.10.8 cannot read its own checkpoints with PyTorch 2.6 or newer.
    if stack.is_older('mmengine', '0.10.8') and not stack.is_older('torch', '2.6'):
        from .transfer.checkpoint import let_mmengine_read
        let_mmengine_read()
