"""The result of checking a data set: counts per split, and every fault with its file."""
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ..console.text import printable
from .as_mmdet import NO_BOX, TOO_SMALL, MMDetView


class Severity(Enum):
    """How much a fault matters, in the order in which a report names them."""
    ERROR = 'error'  # it breaks a run or its results
    WARNING = 'warning'  # it may be meant
    NOTE = 'note'  # it is usual, and is counted only


ERROR, WARNING, NOTE = Severity


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how much it matters, and what its consequence is."""

    name: str
    severity: Severity
    consequence: str


STOPS = Kind('MMDetection stops', ERROR, 'it cannot read the split')
NOTHING_TO_TRAIN_ON = Kind('nothing to train on', ERROR,
                           'MMDetection leaves out every picture, or every box')
NOTHING_TO_EVALUATE = Kind('nothing to evaluate', ERROR,
                           'no object is left for which a detector could be right')
LEFT_OUT = Kind('left out of training', NOTE, "MMDetection's filter_cfg leaves out pictures "
                f'with {NO_BOX}, and those with {TOO_SMALL}')
NO_PICTURE = Kind('missing picture', ERROR, 'training stops when it reaches the picture')
BAD_PICTURE = Kind('unreadable picture', ERROR, 'training stops, or learns from half a picture')
BOX_OUTSIDE = Kind('box reaches outside its picture', WARNING,
                   'MMDetection clips it when it resizes')
UNKNOWN_CLASS = Kind('unknown class', WARNING, 'MMDetection skips these boxes without a message')
COUNT = Kind('count differs from the published set', WARNING,
             'results cannot be compared with published ones')
LIKELY_LEAK = Kind('same bytes in training and in test', WARNING,
                   'the test measures memory on these pictures')


@dataclass(frozen=True)
class DataFault:
    """One fault: its kind, the file it is in, and what exactly is wrong there."""

    kind: Kind
    path: str
    detail: str = ''


@dataclass(frozen=True)
class Count:
    """The numbers of pictures and objects of a split: those found, those published, and those of
    which MMDetection makes use.

    A published number is None if none is known, and the view is None if MMDetection was not asked.
    """

    split: str
    images: int
    objects: int
    published_images: int | None = None
    published_objects: int | None = None
    view: MMDetView | None = None

    @property
    def as_published(self) -> bool:
        """Whether the numbers are the published ones. An unknown published number fits any."""
        return (self.published_images in (None, self.images)
                and self.published_objects in (None, self.objects))

    def __str__(self) -> str:
        text = (f'{self.split}: {_number(self.images, self.published_images)} pictures, '
                f'{_number(self.objects, self.published_objects)} objects')
        if self.view and (self.view.pictures, self.view.objects) != (self.images, self.objects):
            text += (f'. MMDetection {"trains" if self.view.training else "evaluates"} on '
                     f'{self.view.pictures:,} pictures, {self.view.objects:,} objects')
        return text


@dataclass
class DataReport:
    """The counts and faults of a data set that were found under ``root``.

    ``decoded`` says whether the pictures were decoded.
    """

    root: Path
    counts: list[Count] = field(default_factory=list)
    faults: list[DataFault] = field(default_factory=list)
    decoded: bool = True
    _broken: set[str] = field(default_factory=set, repr=False)

    @property
    def usable(self) -> bool:
        """Whether no fault was found that breaks a run or its results."""
        return ERROR not in self._severities()

    def _severities(self) -> set[Severity]:
        return {fault.kind.severity for fault in self.faults}

    def add(self, kind: Kind, path: object, detail: str = '') -> None:
        """Note one fault."""
        self.faults.append(DataFault(kind, str(path), detail))
        if kind.severity is ERROR:
            self._broken.add(str(path))

    def has_error(self, path: object) -> bool:
        """Whether an error was noted for a file."""
        return str(path) in self._broken

    def add_view(self, view: MMDetView, source: Path) -> None:
        """Note what MMDetection leaves out of a split, or where it stops. ``source`` is the
        annotation file, or the list of pictures."""
        for path, reason in view.stops:
            if not self.has_error(path):
                self.add(STOPS, path, reason)
        for picture, reason in view.left_out:
            self.add(LEFT_OUT, picture, reason)
        if not view.stops and not view.objects:
            self.add(NOTHING_TO_TRAIN_ON if view.training else NOTHING_TO_EVALUATE, source,
                     f'{view.pictures:,} pictures and no box of a class are left')

    def of(self, kind: Kind) -> list[DataFault]:
        """Return the faults of one kind."""
        return [fault for fault in self.faults if fault.kind == kind]

    def text(self, most: int = 5) -> str:
        """Return the report as text: the counts, the first ``most`` faults of each kind, and the
        verdict."""
        by_kind = defaultdict(list)
        for fault in self.faults:
            by_kind[fault.kind].append(fault)
        lines = [str(self.root)] + [f'  {count}' for count in self.counts]
        for severity in Severity:
            for kind, faults in by_kind.items():
                if kind.severity is severity:
                    lines += _paragraph(kind, faults, most)
        # A name in a data set may hold what a terminal would obey, or cannot show.
        return '\n'.join(map(printable, [*lines, self._verdict()]))

    def _verdict(self) -> str:
        verdict = 'not usable as it is' if not self.usable else (
            'usable, with warnings' if WARNING in self._severities() else 'usable')
        aside = [] if self.decoded else ['pictures were not decoded']
        if self.usable and any(count.view is None for count in self.counts):
            aside.append('MMDetection cannot be imported, and was not asked')
        return f'{verdict} ({"; ".join(aside)})' if aside else verdict


def _paragraph(kind: Kind, faults: list[DataFault], most: int) -> list[str]:
    most = min(most, 1) if kind.severity is NOTE else most
    lines = [f'{kind.severity.value}: {kind.name} ({len(faults)}): {kind.consequence}']
    lines += [f'    {fault.path}{": " if fault.detail else ""}{fault.detail}'
              for fault in faults[:most]]
    if len(faults) > most:
        lines.append(f'    ... and {len(faults) - most} more')
    return lines


def _number(found: int, published: int | None) -> str:
    return f'{found:,}' if published in (None, found) else f'{found:,} of {published:,}'
