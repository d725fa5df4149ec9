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
    """A folder that gives no record, or a flaw of one that does.

    Args:
        bad: it is broken, and not only unfinished or of another kind.
    """
    folder: Path
    reason: str
    bad: bool = True


@dataclass(frozen=True, eq=False)
class Run:
    """One finished run. Metrics in 0..1.

    Args:
        method: the pretraining's name; of an unverified backbone, the file it names.
        verified: BackboneGuard has proved that the weights arrived.
        pretraining: digest of the backbone; the name of its file where unverified.
        kind: 'COCO' or 'VOC', by how it was evaluated; of a classifier, its set. dataset: the
            folder's name.
        metrics: of ``epoch``, by our names ('AP', ..., 'VOC11' or 'VOCarea').
        curve: the primary metric by epoch.
        rounded: the metrics are the logged ones of mmdet's CocoMetric, rounded to 0.1 AP.
        truth, detections: files of what can be evaluated again, or None.
        pictures: the folder of the validation images, where it is on this machine.
        column, place: of the table that a plan has it for, if it says: its column's name, and which
            row it is of them.
        truth_sha256: of the truth as it was when the run was evaluated, where that is known.
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
        """The metric that its model and set are compared by."""
        if self.is_classifier:
            return TOP1
        return 'AP' if self.kind == 'COCO' else next(
            name for name in VOC_BY_MODE.values() if name in self.metrics)

    @property
    def is_classifier(self) -> bool:
        """Whether it is measured by top-1."""
        return TOP1 in self.metrics

    @property
    def from_scratch(self) -> bool:
        """Whether its backbone began with random weights."""
        return self.method in (RANDOM, RANDOM_UNVERIFIED)
