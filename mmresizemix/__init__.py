"""ResizeMix pretraining, carried into MMDetection's detectors.

The import registers everything under the scope ``mmresizemix``::

    custom_imports = dict(imports=['mmresizemix'], allow_failed_imports=False)

The import itself takes half a second, since it imports no PyTorch. If PyTorch or OpenMMLab is
missing, the import still succeeds, and what only reads and compares runs works. The first use of
anything else says what to install.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .contents import PUBLIC
from .openmmlab import stack

if TYPE_CHECKING:  # what __getattr__ returns, for editors and type checkers
    from .backbones import ShakeShake as ShakeShake
    from .backbones import WideResNet as WideResNet
    from .batch_augments import CutMix as CutMix
    from .batch_augments import FMix as FMix
    from .batch_augments import Mix as Mix
    from .batch_augments import MixThenAugment as MixThenAugment
    from .batch_augments import Mixup as Mixup
    from .batch_augments import PatchMix as PatchMix
    from .batch_augments import PuzzleMix as PuzzleMix
    from .batch_augments import RecursiveMix as RecursiveMix
    from .batch_augments import ResizeMix as ResizeMix
    from .batch_augments import SaliencyMix as SaliencyMix
    from .detection import CocoMetric as CocoMetric
    from .detection import DetectionDump as DetectionDump
    from .detection import SSDHead as SSDHead
    from .heads import RecursiveMixHead as RecursiveMixHead
    from .loading import LoadPicture as LoadPicture
    from .loading import LoadRandomResizedCrop as LoadRandomResizedCrop
    from .loading.samplers import BatchAugmentationSampler as BatchAugmentationSampler
    from .policies.epoch import PolicyEpochHook as PolicyEpochHook
    from .policies.searched_policy import SearchedPolicy as SearchedPolicy
    from .training.attaching import AttachModelHook as AttachModelHook
    from .training.class_names import ClassNamesHook as ClassNamesHook
    from .training.finite import FiniteWeightsHook as FiniteWeightsHook
    from .training.frozen import FrozenBackboneHook as FrozenBackboneHook
    from .training.mix_log import MixLogHook as MixLogHook
    from .training.seeding import EpochSeedHook as EpochSeedHook
    from .training.set_parts import LabelFraction as LabelFraction
    from .transfer import BackboneGuard as BackboneGuard
    from .transfer import export_backbone as export_backbone

__version__ = '0.1.0'

__all__ = ['__version__', *PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in PUBLIC:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    part = PUBLIC[name]
    stack.require_for(part.room)
    return getattr(import_module(f'{__name__}.{part.module}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


stack.explain_missing_libgl()
if not stack.missing('torch', 'mmengine', 'mmcv'):
    stack.check_versions()
    stack.warn_of_mixed_families()
    from . import registry  # noqa: F401
    from .openmmlab import installed, old_checkpoints, ops, random_batch_augment

    installed.tell_mmengine()
    ops.install_fallback()
    random_batch_augment.copy_probs_of_random_batch_augment()
    old_checkpoints.let_mmengine_read()
