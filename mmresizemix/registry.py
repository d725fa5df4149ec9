"""The registries of the scope ``mmresizemix``, and the modules that register in them.

MMEngine imports the ``locations`` when a registry is first used. The import of the plugin therefore
stays fast, and works if only one of mmdet and mmpretrain is installed.
"""
from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

from . import stack, whole_file_backend  # noqa: F401  registers itself

SCOPE = 'mmresizemix'

HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope=SCOPE,
                 locations=['mmresizemix.seeding', 'mmresizemix.finite', 'mmresizemix.transfer',
                           'mmresizemix.detection', 'mmresizemix.fast', 'mmresizemix.attaching',
                           'mmresizemix.policies.epoch', 'mmresizemix.mix_log'])
LOOPS = Registry('loop', parent=MMENGINE_LOOPS, scope=SCOPE,
                 locations=['mmresizemix.resuming', 'mmresizemix.fast'])
FUNCTIONS = Registry('function', parent=MMENGINE_FUNCTIONS, scope=SCOPE,
                     locations=['mmresizemix.seeding'])
MODELS = Registry('model', parent=MMENGINE_MODELS, scope=SCOPE,
                  locations=['mmresizemix.detection', 'mmresizemix.backbones'])
METRICS = Registry('metric', parent=MMENGINE_METRICS, scope=SCOPE,
                   locations=['mmresizemix.detection'])

MODEL_WRAPPERS = Registry('model wrapper', parent=MMENGINE_MODEL_WRAPPERS, scope=SCOPE,
                          locations=['mmresizemix.fast'])
OPTIM_WRAPPERS = Registry('optim wrapper', parent=MMENGINE_OPTIM_WRAPPERS, scope=SCOPE,
                          locations=['mmresizemix.fast'])
DATA_SAMPLERS = Registry('data sampler', parent=MMENGINE_DATA_SAMPLERS, scope=SCOPE,
                         locations=['mmresizemix.samplers'])
TRANSFORMS = Registry('transform', parent=MMENGINE_TRANSFORMS, scope=SCOPE,
                      locations=['mmresizemix.loading', 'mmresizemix.policies.transform'])

if not stack.missing('mmpretrain'):
    from mmpretrain.registry import BATCH_AUGMENTS as MMPRETRAIN_BATCH_AUGMENTS

    from .batch_augments import AUGMENTS
    from .batch_augments.upstream import copy_probs_of_random_batch_augment

    BATCH_AUGMENTS = Registry('batch augment', parent=MMPRETRAIN_BATCH_AUGMENTS, scope=SCOPE,
                              locations=['mmresizemix.batch_augments'])
    for augment in AUGMENTS:
        BATCH_AUGMENTS.register_module(module=augment)
    copy_probs_of_random_batch_augment()
