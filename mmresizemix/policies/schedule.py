"""PBA (arXiv 1905.05393), a policy that changes with the epoch."""
from itertools import accumulate

import numpy as np
from mmcv.transforms import BaseTransform

from .operations import Levels, build_operation
from .policy_files import Operation

# The probabilities of 0, 1 and 2 operations, from PBA's code (apply_policy, 'cifar10').
HOW_MANY = (0.2, 0.3, 0.5)


class PolicySchedule(BaseTransform):
    """Apply up to two operations of the epoch's policy.

    The number of operations is drawn first. The operations of the policy are then visited in a
    random order, and each is applied with its probability, until the drawn number is reached.

    Args:
        phases: (epochs, operations) pairs, in order. They are stretched to the number of epochs of
            the run. The epochs that are left over by rounding down belong to the last phase, as in
            the authors' code (``parse_log_schedule``).
        levels: the meaning of the operations' levels.

    Raises:
        RuntimeError: the epoch was not set.
    """

    def __init__(self, phases: list[tuple[int, list[Operation]]], levels: Levels):
        self.phases = phases
        self._transforms = [[build_operation(op.name, op.level, 1., levels) for op in operations]
                            for _, operations in phases]
        self._now: int | None = None

    def set_epoch(self, epoch: int, max_epochs: int) -> None:
        """Use the policy of ``epoch`` (counted from 0) in a run of ``max_epochs``."""
        searched = sum(epochs for epochs, _ in self.phases)
        # Phases are as long as in the search, stretched to this run.
        ends = accumulate(epochs * max_epochs // searched for epochs, _ in self.phases)
        self._now = next((i for i, end in enumerate(ends) if epoch < end), len(self.phases) - 1)

    @property
    def operations(self) -> list[Operation]:
        """The operations of the current epoch."""
        return self.phases[self._phase()][1]

    def _phase(self) -> int:
        if self._now is None:
            raise RuntimeError('this policy is a schedule over epochs and does not know the epoch; '
                               "add dict(type='mmresizemix.PolicyEpochHook') to custom_hooks")
        return self._now

    def transform(self, results: dict) -> dict:
        """Augment 'img' by the policy of the current epoch."""
        operations, transforms = self.operations, self._transforms[self._phase()]
        left = np.random.choice(len(HOW_MANY), p=HOW_MANY)
        for i in np.random.permutation(len(operations)):
            if not left:
                break
            if np.random.rand() < operations[i].prob:
                results = transforms[i](results)
                left -= 1
        return results
