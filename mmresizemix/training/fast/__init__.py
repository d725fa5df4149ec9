"""Fast pretraining: bfloat16, channels last, a compiled backbone, and a CPU that never waits for
the GPU. The training method stays that of the config."""
from .bfloat16 import BFloat16OptimWrapper
from .compiled import ChannelsLastDDP, CompiledBackboneHook
from .deferred_log import DeferredRuntimeInfoHook
from .prefetch import DevicePrefetcher, PrefetchingEpochLoop
from .settings import FAST_HOOKS, use_fast_training

__all__ = [
    'FAST_HOOKS', 'BFloat16OptimWrapper', 'ChannelsLastDDP', 'CompiledBackboneHook',
    'DeferredRuntimeInfoHook', 'DevicePrefetcher', 'PrefetchingEpochLoop', 'use_fast_training'
]
