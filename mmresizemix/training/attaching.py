"""A hook that passes the model to its batch augments."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS
from .seeding import augments_of


@HOOKS.register_module()
class AttachModelHook(Hook):
    """Pass the model to its batch augments, before training and if another hook exchanges them.
    Some use it to find where a picture is salient, or how pictures are normalised."""

    def __init__(self) -> None:
        self._attached: list[Any] = []

    def before_train(self, runner: Runner) -> None:
        """Pass the model on."""
        self._attached.clear()
        self.before_train_iter(runner, 0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Pass the model on to augments that are new."""
        model = unwrapped(runner.model)
        for augment in augments_of(model):
            if not any(augment is one for one in self._attached):
                augment.attach(model)
                self._attached.append(augment)
