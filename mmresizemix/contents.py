"""The table of what this package offers: the public names, what is registered in MMEngine, and what
each room needs.

The lazy names of ``import mmresizemix``, the requirements that its errors name, and the modules in
which MMEngine's registries look all come from here. This module imports nothing.
"""
from typing import NamedTuple


class Part(NamedTuple):
    """A class or function that is public, registered, or both.

    Args:
        name: the name, in Python and in configs.
        module: where it is, below ``mmresizemix``. The first part of it is the room.
        registry: the registry that it is in, by its name in MMEngine or MMPretrain.
        public: whether ``from mmresizemix import <name>`` finds it.
        changes_result: whether a run with this hook and a run without it give different results.
    """
    name: str
    module: str
    registry: str | None = None
    public: bool = True
    changes_result: bool = False

    @property
    def room(self) -> str:
        """The subpackage."""
        return self.module.partition('.')[0]


PARTS = (
    Part('Mix', 'batch_augments'),
    Part('ResizeMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('CutMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('Mixup', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('FMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('SaliencyMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('PatchMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('PuzzleMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('RecursiveMix', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('MixThenAugment', 'batch_augments', 'BATCH_AUGMENTS'),
    Part('LoadPicture', 'loading', 'TRANSFORMS'),
    Part('LoadRandomResizedCrop', 'loading', 'TRANSFORMS'),
    Part('BatchAugmentationSampler', 'loading.samplers', 'DATA_SAMPLERS'),
    Part('SearchedPolicy', 'policies.searched_policy', 'TRANSFORMS'),
    Part('PolicyEpochHook', 'policies.epoch', 'HOOKS'),
    Part('RelativeCutout', 'policies.operations', 'TRANSFORMS', public=False),
    Part('WideResNet', 'backbones', 'MODELS'),
    Part('ShakeShake', 'backbones', 'MODELS'),
    Part('RecursiveMixHead', 'heads', 'MODELS'),
    Part('AttachModelHook', 'training.attaching', 'HOOKS'),
    Part('EpochSeedHook', 'training.seeding', 'HOOKS'),
    Part('FiniteWeightsHook', 'training.finite', 'HOOKS'),
    Part('ClassNamesHook', 'training.class_names', 'HOOKS'),
    Part('MixLogHook', 'training.mix_log', 'HOOKS'),
    Part('FrozenBackboneHook', 'training.frozen', 'HOOKS', changes_result=True),
    Part('LabelFraction', 'training.set_parts', 'DATASETS'),
    Part('TuningSplit', 'training.set_parts', 'DATASETS', public=False),
    Part('torch_worker_seeding', 'training.seeding', 'FUNCTIONS', public=False),
    Part('ResumableEpochLoop', 'training.resuming', 'LOOPS', public=False),
    Part('PrefetchingEpochLoop', 'training.fast', 'LOOPS', public=False),
    Part('DeferredRuntimeInfoHook', 'training.fast', 'HOOKS', public=False),
    Part('CompiledBackboneHook', 'training.fast', 'HOOKS', public=False, changes_result=True),
    Part('ChannelsLastDDP', 'training.fast', 'MODEL_WRAPPERS', public=False),
    Part('BFloat16OptimWrapper', 'training.fast', 'OPTIM_WRAPPERS', public=False),
    Part('BackboneGuard', 'transfer', 'HOOKS'),
    Part('export_backbone', 'transfer'),
    Part('SSDHead', 'detection', 'MODELS'),
    Part('CocoMetric', 'detection', 'METRICS'),
    Part('DetectionDump', 'detection', 'HOOKS'),
)
PUBLIC = {part.name: part for part in PARTS if part.public}

# The packages that each room needs, where it needs more than numpy, pillow, scipy and matplotlib.
NEEDS = dict(
    batch_augments=('torch', ),
    loading=('torch', 'mmengine', 'mmpretrain', 'simplejpeg'),
    policies=('torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain'),
    backbones=('torch', 'mmengine'),
    heads=('torch', 'torchvision', 'mmengine', 'mmpretrain'),
    training=('torch', 'mmengine'),
    transfer=('torch', 'mmengine'),
    detection=('torch', 'mmengine', 'mmcv', 'mmdet'),
)


def parts_in(registry: str) -> list[Part]:
    """Return the parts that are in ``registry``."""
    return [part for part in PARTS if part.registry == registry]
