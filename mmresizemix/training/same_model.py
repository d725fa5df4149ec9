"""A hook that refuses to continue or to test from the checkpoint of another model."""
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from ..openmmlab.checkpoint import CheckpointError
from ..openmmlab.unwrap import unwrapped


class SameModelHook(Hook):
    """Compare the names and shapes in a checkpoint with the model, before they are loaded.

    MMEngine loads with ``strict=False``. It would test or continue a model of which a part, or
    everything, is random. A training that only starts from ``load_from`` may take a part of another
    model, and is left alone.

    Raises:
        CheckpointError: the model is to be tested or resumed, and the checkpoint is that of another
            one.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare ``checkpoint`` with the model of ``runner``."""
        # MMEngine builds the loop of training only if it trains.
        if isinstance(runner._train_loop, BaseLoop) and not runner._resume:
            return
        expected = unwrapped(runner.model).state_dict()
        found = checkpoint.get('state_dict', checkpoint)
        found = {str(k).removeprefix('module.'): v for k, v in found.items()}
        # Counters and tables of indices follow from the settings, and old checkpoints lack them.
        missing = [k for k, v in expected.items() if k not in found and v.is_floating_point()]
        foreign = [k for k in found if k not in expected]
        unlike = [f'{k} {tuple(found[k].shape)} instead of {tuple(v.shape)}'
                  for k, v in expected.items() if k in found and found[k].shape != v.shape]
        parts = [f'{len(names)} {what} ({", ".join(names[:2])}{", ..." if len(names) > 2 else ""})'
                 for what, names in (('tensors are missing', missing), ('have no place', foreign),
                                     ('have another shape', unlike)) if names]
        if parts:
            raise CheckpointError(f'{runner._load_from}: is the checkpoint of another model: '
                                  f'{"; ".join(parts)}. Give the config that it was trained with.')
