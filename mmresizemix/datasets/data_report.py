"""The result of checking a data set: counts per split, and every fault with its file."""
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """A kind of fault: whether it breaks a run or its results, and what its consequence is."""

    name: str
    breaks: bool
    consequence: str


@dataclass(frozen=True)
class DataFault:
    """One fault: its kind, the file it is in, and what exactly is wrong there."""

    kind: Kind
    path: str
    detail: str = ''


@dataclass(frozen=True)
class Count:
    """The numbers of pictures and objects of a split: those found, and those published.

    A published number is None if none is known.
    """

    split: str
    images: int
    objects: int
    published_images: int | None = None
    published_objects: int | None = None

    @property
    def as_published(self) -> bool:
        """Whether the numbers are the published ones. An unknown published number fits any."""
        return (self.published_images in (None, self.images)
                and self.published_objects in (None, self.objects))

    def __str__(self) -> str:
        return (f'{self.split}: {_number(self.images, self.published_images)} pictures, '
                f'{_number(self.objects, self.published_objects)} objects')


@dataclass
class DataReport:
    """The counts and faults of a data set that were found under ``root``.

    ``decoded`` says whether the pictures were decoded.
    """

    root: Path
    counts: list[Count] = field(default_factory=list)
    faults: list[DataFault] = field(default_factory=list)
    decoded: bool = True

    @property
    def usable(self) -> bool:
        """Whether no fault was found that breaks a run or its results."""
        return not any(fault.kind.breaks for fault in self.faults)

    def add(self, kind: Kind, path: object, detail: str = '') -> None:
        """Note one fault."""
        self.faults.append(DataFault(kind, str(path), detail))

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
        # Kinds that break a run come first.
        for kind in sorted(by_kind, key=lambda kind: not kind.breaks):
            lines += _paragraph(kind, by_kind[kind], most)
        return '\n'.join([*lines, self._verdict()])

    def _verdict(self) -> str:
        verdict = 'not usable as it is' if not self.usable else (
            'usable, with warnings' if self.faults else 'usable')
        return verdict if self.decoded else f'{verdict} (pictures were not decoded)'


def _paragraph(kind: Kind, faults: list[DataFault], most: int) -> list[str]:
    word = 'error' if kind.breaks else 'warning'
    lines = [f'{word}: {kind.name} ({len(faults)}): {kind.consequence}']
    lines += [f'    {fault.path}{": " if fault.detail else ""}{fault.detail}'
              for fault in faults[:most]]
    if len(faults) > most:
        lines.append(f'    ... and {len(faults) - most} more')
    return lines


def _number(found: int, published: int | None) -> str:
    return f'{found:,}' if published in (None, found) else f'{found:,} of {published:,}'
