"""A hook that logs what mixing does to a training."""
import logging
from typing import Any

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor, nn

from ..batch_augments import Mix
from ..openmmlab.unwrap import unwrapped
from ..registry import HOOKS
from .seeding import augments_of

KEPT = 'mix_log'  # the key in a checkpoint that is saved between two lines of the log


@HOOKS.register_module()
class MixLogHook(Hook):
    """Log these means over the iterations since the last line of the log, on this rank:

    - ``mix/source_weight`` is λ, the label weight of the source, 0 to 1, over all samples.
    - ``mix/share`` is the share of the samples that are mixed (λ > 0), 0 to 1.
    - ``mix/accuracy`` is the label weight of the predicted class, in percent:
      λ·[it is the source's] + (1 - λ)·[it is the target's]. Without mixing this is top-1.
      MMPretrain's ``cal_acc`` refuses mixed labels. A perfect network stays below 100.

    The first two are logged only if every batch augment is from this package. The training does not
    change, and only the log waits for the GPU, as it does anyway::

        custom_hooks = [dict(type='mmresizemix.MixLogHook')]
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor | float, int]] = {}  # sum, iterations
        self._interval = 10
        self._heard: Any = None  # the loss module that the hooks in _listening are registered on
        self._listening: list[Any] = []
        self._warned: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        """Register hooks on the loss module, which receives predictions and mixed labels."""
        model = unwrapped(runner.model)
        self._model = model
        # Means are logged as often as the LoggerHook writes a line.
        self._interval = next((hook.interval for hook in runner.hooks
                               if isinstance(hook, LoggerHook)), self._interval)
        self._listen()
        if runner.iter == 0:  # not resumed
            self._sums.clear()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Follow a loss module that another hook has put in the place of the old one."""
        self._listen()

    def after_train(self, runner: Runner) -> None:
        """Remove the hooks from the loss module."""
        for one in self._listening:
            one.remove()
        self._heard, self._listening = None, []

    def _listen(self) -> None:
        loss = getattr(getattr(self._model, 'head', None), 'loss_module', None)
        if loss is self._heard:
            return
        for one in self._listening:
            one.remove()
        self._heard = loss
        self._listening = [loss.register_forward_pre_hook(self._warn),
                           loss.register_forward_hook(self._hear)] if isinstance(
                               loss, nn.Module) else []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Record the mix of this iteration. When the log is written, pass the means on."""
        # An unmixed batch counts as λ = 0.
        mixes = self._mixes()
        if mixes is not None:
            lam = mixes[0].lam if mixes else torch.zeros(1)
            self._note('mix/source_weight', lam.mean())
            self._note('mix/share', (lam > 0).double().mean())
        if self.every_n_inner_iters(batch_idx, self._interval) or self.end_of_epoch(
                runner.train_dataloader, batch_idx):
            for name, (total, count) in self._sums.items():
                runner.message_hub.update_scalar(f'train/{name}', float(total) / count)
            self._sums.clear()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the sums, so that a run resumed between two lines logs the same means."""
        if self._sums:
            checkpoint[KEPT] = {name: (float(total), count)
                                for name, (total, count) in self._sums.items()}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the sums that :meth:`before_save_checkpoint` saved."""
        self._sums = dict(checkpoint.get(KEPT, {}))

    def _mixes(self) -> list[Mix] | None:
        """Return the mixes of this batch: one, or none if chance left the batch unmixed. Return
        None if not all augments are ours."""
        preprocessor = getattr(self._model, 'data_preprocessor', None)
        chooser: Any = getattr(preprocessor, 'batch_augments', None)
        ours = [getattr(augment, 'mix', augment) for augment in augments_of(self._model)]
        if not ours or len(ours) < sum(a is not None for a in chooser.augments):
            return None
        drawn = [augment.drawn for augment in ours if augment.drawn is not None]
        # Forget them, since the next batch may be mixed by another augment.
        for augment in ours:
            augment.drawn = None
        return drawn

    def _warn(self, loss: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        """Say once what a loss would do to these labels, where upstream says nothing."""
        labels = arguments[1] if len(arguments) > 1 else None
        if not isinstance(labels, Tensor):
            return
        name, text = type(loss).__name__, ''
        if labels.ndim == 1 and getattr(loss, 'use_soft', False):
            text = ('use_soft=True compares class numbers with weights of classes, and means '
                    'nothing; set use_soft=False where nothing mixes')
        elif labels.ndim == 2 and getattr(loss, 'mode', None) == 'multi_label':
            text = ("mode='multi_label' takes every class that has any weight for a whole one, so "
                    "that the weights of the mix are lost; set mode='classy_vision' or 'original'")
        if text and text not in self._warned:
            self._warned.add(text)
            print_log(f'MixLogHook: {name}: {text}.', 'current', logging.WARNING)

    def _hear(self, loss: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        scores, labels = (argument.detach() for argument in arguments[:2])
        if scores.ndim != 2 or labels.shape not in (scores.shape, scores.shape[:1]):
            return  # the loss is not that of a classifier of whole pictures
        # Labels are class numbers, or a weight per class.
        predicted = scores.argmax(1)
        right = predicted == labels if labels.ndim == 1 else labels.gather(1, predicted[:, None])
        self._note('mix/accuracy', 100 * right.float().mean())

    def _note(self, name: str, value: Tensor) -> None:
        total, count = self._sums.get(name, (0., 0))
        self._sums[name] = total + value, count + 1
