"""Batch augments get to know the model that they mix for."""
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .registry import HOOKS
from .seeding import batch_augments
from .unwrap import unwrapped


@HOOKS.register_module()
class AttachModelHook(Hook):
    """Before training, hand the model to its batch augments: some ask it where a picture is
    salient, or how pictures are normalised."""

    def before_train(self, runner: Runner) -> None:
        """Hand it over."""
        model = unwrapped(runner.model)
        for augment in batch_augments(model):
            augment.attach(model)
