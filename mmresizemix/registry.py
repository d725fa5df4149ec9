"""The registries of the scope ``mmresizemix``. MMEngine looks for them in this module, by its name.

MMEngine imports the modules that register something when a registry is first used. The import of
the plugin therefore stays fast, imports no PyTorch, and works if only one of MMDetection and
MMPretrain is installed.
"""
from importlib import import_module

from mmengine import registry as mmengine

from .contents import parts_in
from .openmmlab import whole_file_backend  # noqa: F401  registers itself
from .openmmlab.when_imported import when_imported

SCOPE = 'mmresizemix'


def _ours(name: str) -> mmengine.Registry:
    """Return a child of MMEngine's registry ``name``."""
    parent = getattr(mmengine, name)
    locations = dict.fromkeys(f'{SCOPE}.{part.module}' for part in parts_in(name))
    return mmengine.Registry(parent.name, parent=parent, scope=SCOPE, locations=[*locations])


HOOKS = _ours('HOOKS')
LOOPS = _ours('LOOPS')
FUNCTIONS = _ours('FUNCTIONS')
MODELS = _ours('MODELS')
METRICS = _ours('METRICS')
DATASETS = _ours('DATASETS')
MODEL_WRAPPERS = _ours('MODEL_WRAPPERS')
OPTIM_WRAPPERS = _ours('OPTIM_WRAPPERS')
DATA_SAMPLERS = _ours('DATA_SAMPLERS')
TRANSFORMS = _ours('TRANSFORMS')
# MMPretrain's registry of batch augments gets its child as soon as there is one.
when_imported('mmpretrain.registry',
              lambda _: import_module('mmresizemix.batch_augments.registered'))
