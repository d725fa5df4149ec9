"""PBA (arXiv 1905.05393): a policy that changes with the epoch."""
from itertools import accumulate

import numpy as np
from mmcv.transforms import BaseTransform

from .files import Operation
from .operations import Levels, build_operation

HOW_MANY = (0.2, 0.3, 0.5)  # probabilities of 0, 1, 2 (its code: apply_policy, 'cifar10')


class PolicySchedule(BaseTransform):
    """Up to two operations of the epoch's policy: they are gone through in a random order, each is
    applied with its probability, until as many were applied as had been drawn.

    Args:
        phases: (epochs, operations) one after another. They are stretched to the epochs of the
            run; what rounding down leaves over is the last one's, as in the authors' code
            (``parse_log_schedule``).
        levels: what the operations' levels mean.

    Raises:
        RuntimeError: nobody has told it the epoch.
    """

    def __init__(self, phases: list[tuple[int, list[Operation]]], levels: Levels):
        self.phases = phases
        self._transforms = [[build_operation(op.name, op.level, 1., levels) for op in operations]
                            for _, operations in phases]
        self._now: int | None = None

    def set_epoch(self, epoch: int, max_epochs: int) -> None:
        """Use the policy of ``epoch`` (from 0) of ``max_epochs``."""
        searched = sum(epochs for epochs, _ in self.phases)
        ends = accumulate(epochs * max_epochs // searched for epochs, _ in self.phases)
        self._now = next((i for i, end in enumerate(ends) if epoch < end), len(self.phases) - 1)

    @property
    def operations(self) -> list[Operation]:
        """Those of the epoch."""
        return self.phases[self._phase()][1]

    def _phase(self) -> int:
        if self._now is None:
            raise RuntimeError('this policy is a schedule over epochs and was not told the epoch; '
                               "add dict(type='mmresizemix.PolicyEpochHook') to custom_hooks")
        return self._now

    def transform(self, results: dict) -> dict:
        """Of 'img', by the policy of this epoch."""
        operations, transforms = self.operations, self._transforms[self._phase()]
        left = np.random.choice(len(HOW_MANY), p=HOW_MANY)
        for i in np.random.permutation(len(operations)):
            if not left:
                break
            if np.random.rand() < operations[i].prob:
                results = transforms[i](results)
                left -= 1
        return results
