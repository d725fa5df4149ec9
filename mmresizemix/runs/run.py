"""The record of one finished run."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .run_config import VOC_BY_MODE, RunConfig

RANDOM = 'random'
RANDOM_UNVERIFIED = 'random (unverified)'
BASELINE = 'baseline'
TOP1 = 'top1'
MASK_AP = 'mask AP'
OF_MASKS = 'mask '  # how the names of the metrics of masks begin
PRIMARY = (TOP1, 'AP', *VOC_BY_MODE.values(), MASK_AP)


@dataclass(frozen=True)
class Fault:
    """A folder that gives no record, or a flaw of a folder that does.

    Args:
        bad: whether it is broken, and not only unfinished or of another kind.
    """
    folder: Path
    reason: str
    bad: bool = True


@dataclass(frozen=True)
class Origin:
    """Where the weights of a run came from.

    Args:
        method: the name of the pretraining or, if the backbone is unverified, the name of the file
            that the config loads. For a classifier, its method.
        verified: whether BackboneGuard has proved that the weights arrived. True for a classifier.
        pretraining: the digest of the backbone or, if it is unverified, the checkpoint that the
            config names. None for random weights. For a classifier, the folder of the run.
        source: where the backbone came from, if known.
        top1: the top-1 of the pretraining in percent, if known.
        settings: a digest of the settings of the pretraining, if known. Pretrainings of one method
            and unlike settings have unlike digests.
    """
    method: str
    verified: bool
    pretraining: str | None
    source: str | None = None
    top1: float | None = None
    settings: str | None = None


@dataclass(frozen=True)
class Kept:
    """The files of a detector's run that can be evaluated again, None for what is not here.

    Args:
        truth, detections: the evaluation set and the boxes of the epoch that counts.
        masks: the masks of that epoch.
        truth_sha256: the digest of the truth when the run was evaluated, if known.
        pictures: the folder of the validation images.
    """
    truth: Path | None = None
    detections: Path | None = None
    truth_sha256: str | None = None
    pictures: Path | None = None
    masks: Path | None = None


@dataclass(frozen=True)
class Provenance:
    """The facts that the logs of a run hold beside its metrics, None for those that they lack.

    Args:
        started: the name of the first start, which is its date and time.
        hours: the time of all starts together.
        peak_memory: in GiB, on a GPU.
        versions: of Python, of the packages, and the GPUs.
    """
    started: str
    hours: float | None = None
    images_per_second: float | None = None
    peak_memory: float | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Run:
    """One finished run. Its metrics are in 0..1.

    Args:
        seed: the seed of the config or, without one, of the log.
        settings: the settings that compared runs must share.
        epoch: the epoch that counts.
        metrics: the metrics of ``epoch``, by our names ('AP', ..., 'mask AP', ..., 'VOC11',
            'VOCarea' or 'top1').
        curve: the primary metric by epoch.
        mask_curve: the AP of the masks by epoch. It is empty if there are none.
        notes: flaws of its files that do not keep it from being compared.
    """
    folder: Path
    config: RunConfig
    origin: Origin
    seed: int | None
    settings: dict[str, Any] = field(repr=False)
    epoch: int
    metrics: dict[str, float]
    curve: dict[int, float]
    kept: Kept
    provenance: Provenance
    mask_curve: dict[int, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def primary(self) -> str:
        """The name of the metric by which the run is compared."""
        return primary_of(self.metrics)

    @property
    def is_classifier(self) -> bool:
        """Whether the run is of a classifier, which is measured by top-1."""
        return TOP1 in self.metrics

    @property
    def from_scratch(self) -> bool:
        """Whether the backbone began with random weights."""
        return self.origin.method in (RANDOM, RANDOM_UNVERIFIED)

    @property
    def draw(self) -> str | None:
        """The draw of initial weights that the run began with.

        It is the pretraining, or the run itself if the weights were random.
        """
        return str(self.folder) if self.from_scratch else self.origin.pretraining


def primary_of(metrics: Mapping[str, float]) -> str:
    """Return the name of the metric in ``metrics`` by which a run is compared."""
    return next(name for name in PRIMARY if name in metrics)
