"""The record of one finished run."""
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RANDOM = 'random'
RANDOM_UNVERIFIED = 'random (unverified)'
BASELINE = 'baseline'
VOC_BY_MODE = {'11points': 'VOC11', 'area': 'VOCarea'}
TOP1 = 'top1'


@dataclass(frozen=True)
class Fault:
    """A folder that gives no record, or a flaw of a folder that does.

    Args:
        bad: whether it is broken, and not only unfinished or of another kind.
    """
    folder: Path
    reason: str
    bad: bool = True


@dataclass(frozen=True, eq=False)
class Run:
    """One finished run. Its metrics are in 0..1.

    Args:
        method: the name of the pretraining or, if the backbone is unverified, the name of the file
            that the config loads. For a classifier, its method.
        verified: whether BackboneGuard has proved that the weights arrived. True for a classifier.
        pretraining: the digest of the backbone or, if it is unverified, the checkpoint that the
            config names. None for random weights. For a classifier, the folder of the run.
        source: where the backbone came from, if known.
        top1: the top-1 of the pretraining in percent, if known.
        kind: 'COCO' or 'VOC', by how the run was evaluated. For a classifier, its set.
        dataset: the name of the folder of the evaluation set. For a classifier, the same as
            ``kind``.
        started: the name of the first start, which is its date and time.
        epoch: the epoch that counts.
        metrics: the metrics of ``epoch``, by our names ('AP', ..., 'VOC11', 'VOCarea' or 'top1').
        curve: the primary metric by epoch.
        rounded: whether the logged metrics are those of mmdet's CocoMetric, rounded to 0.1 AP.
        truth, detections: the files that can be evaluated again, or None.
        truth_sha256: the digest of the truth when the run was evaluated, if known.
        pictures: the folder of the validation images, or None if it is not on this machine.
        peak_memory: in GiB, on a GPU.
        config: the settings that compared runs must share.
        column, place: the name of the column and the position of the row that the run has in the
            table of its plan, if the config says so.
    """
    folder: Path
    method: str
    verified: bool
    pretraining: str | None
    source: str | None
    top1: float | None
    detector: str
    kind: str
    dataset: str
    config_name: str
    seed: int | None
    started: str
    epoch: int
    metrics: dict[str, float]
    curve: dict[int, float]
    rounded: bool
    truth: Path | None
    detections: Path | None
    truth_sha256: str | None
    pictures: Path | None
    hours: float | None
    images_per_second: float | None
    peak_memory: float | None
    versions: dict[str, str]
    config: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()
    column: str | None = None
    place: int | None = None

    @property
    def primary(self) -> str:
        """The name of the metric by which the run is compared."""
        if self.is_classifier:
            return TOP1
        return 'AP' if self.kind == 'COCO' else next(
            name for name in VOC_BY_MODE.values() if name in self.metrics)

    @property
    def is_classifier(self) -> bool:
        """Whether the run is of a classifier, which is measured by top-1."""
        return TOP1 in self.metrics

    @property
    def from_scratch(self) -> bool:
        """Whether the backbone began with random weights."""
        return self.method in (RANDOM, RANDOM_UNVERIFIED)

    @property
    def origin(self) -> str | None:
        """The draw of initial weights that the run began with.

        It is the pretraining, or the run itself if the weights were random.
        """
        return str(self.folder) if self.from_scratch else self.pretraining
