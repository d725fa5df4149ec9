"""A hook that passes the model to its batch augments."""
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS
from .seeding import augments_of


@HOOKS.register_module()
class AttachModelHook(Hook):
    """Before training, pass the model to its batch augments. Some use it to find where a picture is
    salient, or how pictures are normalised."""

    def before_train(self, runner: Runner) -> None:
        """Pass the model on."""
        model = unwrapped(runner.model)
        for augment in augments_of(model):
            augment.attach(model)
