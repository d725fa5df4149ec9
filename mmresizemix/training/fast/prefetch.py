"""A training loop that copies the next batch to the GPU while the GPU works on the current one."""
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.runner import Runner

from ...registry import LOOPS
from ..resuming import ResumableEpochLoop


class DevicePrefetcher:
    """A wrapper of a classification loader whose pictures and labels are on ``device``.

    Both are copied from pinned memory on a separate stream. mmpretrain's data preprocessor then has
    nothing left to copy. Its own copy of the labels would wait for all pending work of the GPU. On
    a CPU, batches are passed on unchanged. All other attributes are those of the loader.
    """

    def __init__(self, loader: Any, device: str | torch.device):
        self.loader, self.device = loader, torch.device(device)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[dict]:
        return iter(self.loader) if self.device.type == 'cpu' else self._one_ahead()

    def _one_ahead(self) -> Iterator[dict]:
        # A batch is yielded after the copy of the next one has started.
        stream, ready = torch.cuda.Stream(self.device), None
        for batch in self.loader:
            with torch.cuda.stream(stream):
                coming = self._moved(batch)
            if ready is not None:
                yield self._handed_over(ready, stream)
            ready = coming
        if ready is not None:
            yield self._handed_over(ready, stream)

    def _moved(self, batch: dict) -> dict:
        # One copy for all labels instead of one per sample.
        samples = batch['data_samples']
        labels = [sample.gt_label for sample in samples]
        together = torch.cat(labels).pin_memory().to(self.device, non_blocking=True)
        for sample, label in zip(samples, together.split([len(one) for one in labels])):
            sample.set_gt_label(label)
        return dict(batch, inputs=batch['inputs'].to(self.device, non_blocking=True))

    @staticmethod
    def _handed_over(batch: dict, stream: Any) -> dict:
        """Let the current stream wait for the copy, and keep the memory until it has used it."""
        current = torch.cuda.current_stream()
        current.wait_stream(stream)
        batch['inputs'].record_stream(current)
        for sample in batch['data_samples']:
            sample.gt_label.record_stream(current)
        return batch


@LOOPS.register_module()
class PrefetchingEpochLoop(ResumableEpochLoop):
    """A :class:`mmresizemix.ResumableEpochLoop` that reads from a :class:`DevicePrefetcher`."""

    def __init__(self, runner: Runner, dataloader: Any, max_epochs: int, **settings: Any):
        super().__init__(runner, dataloader, max_epochs, **settings)
        self.dataloader: Any = DevicePrefetcher(self.dataloader, get_device())
