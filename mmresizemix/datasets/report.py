"""The result of a data set's check: counts per split, and every fault with its file."""
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """A kind of fault: whether it breaks a run or its numbers, and what comes of it."""

    name: str
    breaks: bool
    consequence: str


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, the file it is in, and what exactly is wrong there."""

    kind: Kind
    path: str
    detail: str = ''


@dataclass(frozen=True)
class Count:
    """Pictures and objects of a split: found, and published (None where nothing was)."""

    split: str
    images: int
    objects: int
    published_images: int | None = None
    published_objects: int | None = None

    @property
    def as_published(self) -> bool:
        """Whether the numbers are those that the set was published with, where it was."""
        return (self.published_images in (None, self.images)
                and self.published_objects in (None, self.objects))

    def __str__(self) -> str:
        return (f'{self.split}: {_number(self.images, self.published_images)} pictures, '
                f'{_number(self.objects, self.published_objects)} objects')


@dataclass
class Report:
    """Everything that was found under ``root``."""

    root: Path
    counts: list[Count] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    decoded: bool = True

    @property
    def usable(self) -> bool:
        """Whether nothing was found that breaks a run or its numbers."""
        return not any(fault.kind.breaks for fault in self.faults)

    def add(self, kind: Kind, path: object, detail: str = '') -> None:
        """Note one fault."""
        self.faults.append(Fault(kind, str(path), detail))

    def of(self, kind: Kind) -> list[Fault]:
        """The faults of one kind."""
        return [fault for fault in self.faults if fault.kind == kind]

    def text(self, most: int = 5) -> str:
        """The report for a reader: counts, the first ``most`` faults of each kind, the verdict."""
        by_kind = defaultdict(list)
        for fault in self.faults:
            by_kind[fault.kind].append(fault)
        lines = [str(self.root)] + [f'  {count}' for count in self.counts]
        for kind in sorted(by_kind, key=lambda kind: not kind.breaks):
            lines += _paragraph(kind, by_kind[kind], most)
        return '\n'.join([*lines, self._verdict()])

    def _verdict(self) -> str:
        verdict = 'not usable as it is' if not self.usable else (
            'usable, with warnings' if self.faults else 'usable')
        return verdict if self.decoded else f'{verdict} (pictures were not decoded)'


def _paragraph(kind: Kind, faults: list[Fault], most: int) -> list[str]:
    word = 'error' if kind.breaks else 'warning'
    lines = [f'{word}: {kind.name} ({len(faults)}): {kind.consequence}']
    lines += [f'    {fault.path}{": " if fault.detail else ""}{fault.detail}'
              for fault in faults[:most]]
    if len(faults) > most:
        lines.append(f'    ... and {len(faults) - most} more')
    return lines


def _number(found: int, published: int | None) -> str:
    return f'{found:,}' if published in (None, found) else f'{found:,} of {published:,}'
