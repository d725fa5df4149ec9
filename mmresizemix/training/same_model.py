"""A hook that refuses to continue or to test from the checkpoint of another model."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from ..openmmlab.checkpoint import CheckpointError
from ..openmmlab.unwrap import unwrapped
from .class_names import names_in


class SameModelHook(Hook):
    """Compare the names and shapes in a checkpoint with the model, and the names of the classes
    that it was trained on with those of the data, before it is loaded.

    MMEngine loads with ``strict=False``. It would test or continue a model of which a part, or
    everything, is random. A training that only starts from ``load_from`` may take a part of another
    model, and is left alone.

    Raises:
        CheckpointError: the model is to be tested or resumed, and the checkpoint is that of another
            one or of other classes.
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
        trained, here = _classes_of(checkpoint), _classes_of_data(runner)
        if trained and here and trained != here:
            label = next((i for i, (a, b) in enumerate(zip(trained, here)) if a != b),
                         min(len(trained), len(here)))
            one, other = (repr(names[label]) if label < len(names) else 'nothing'
                          for names in (trained, here))
            raise CheckpointError(f'{runner._load_from}: was trained on other classes: its label '
                                  f'{label} is {one}, and that of the data is {other}. Give the '
                                  'metainfo.classes that it was trained with.')


def _classes_of(checkpoint: dict) -> list[str]:
    """Return the class names in a checkpoint of MMEngine, [] if it has none."""
    meta: Any = checkpoint.get('meta')
    data = meta.get('dataset_meta') if isinstance(meta, dict) else None
    return list(data.get('classes') or ()) if isinstance(data, dict) else []


def _classes_of_data(runner: Runner) -> list[str]:
    """Return the class names of the set that ``runner`` trains or tests on, [] if it has none."""
    loops = (runner._train_loop, runner._test_loop, runner._val_loop)
    loop: Any = next((one for one in loops if isinstance(one, BaseLoop)), None)
    return names_in(loop.dataloader.dataset) if loop else []
