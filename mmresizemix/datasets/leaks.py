"""A search for test pictures that pretraining has seen, as the same file or as a near copy.

Near copies have nearly the same perceptual hash. Its 64 bits say whether each of the 64 lowest
frequencies of the picture in gray is above their median. It hardly changes with the size, JPEG
compression or brightness of a picture, but does with crops and flips.
"""
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from ..console.progress_bar import Progress
from ..files import whole_file, write_text
from .pictures import content_digest

BITS = 64
NEAR = 6  # how many of the 64 bits may differ
DRAFT = (128, 128)  # JPEGs are decoded no larger than this needs: 4 times the hash's 32 x 32 grid
FLAT = 4.0  # in gray levels. A picture that varies less has no hash: noise would decide its bits
AT_ONCE = 4096  # how many pictures are compared with all others at a time, to limit the memory
SHOWN, SIDE = 12, 160  # the number of pairs that are drawn, and the side of each in pixels

# The digest of a file's bytes, and the bits of its hash as -1 and 1, or None if it has no hash.
Fingerprint = tuple[bytes, np.ndarray | None]


@dataclass(frozen=True)
class Leak:
    """Two files that hold the same picture, or nearly the same.

    Args:
        seen: the file of pretraining.
        tested: the file that detectors are tested on.
        distance: the number of bits of the hash that differ, or None if the files are the same,
            byte for byte.
    """
    seen: Path
    tested: Path
    distance: int | None


@dataclass(frozen=True)
class Leaks:
    """The result of :func:`find_leaks`.

    Args:
        seen: the number of pictures of pretraining.
        tested: the number of pictures that detectors are tested on.
        unreadable: the number of files that could not be read.
        pairs: the pairs that were found, the closest first.
    """
    seen: int
    tested: int
    unreadable: int
    pairs: tuple[Leak, ...]

    def __str__(self) -> str:
        """Return one sentence that says what was found, for a report."""
        same = {p.tested for p in self.pairs if p.distance is None}
        near = {p.tested for p in self.pairs} - same
        unread = f'; {self.unreadable:,} files could not be read' if self.unreadable else ''
        rule = f'(hashes within {NEAR} of {BITS} bits)'
        if not self.pairs:
            return (f'None of {self.tested:,} test pictures is among the {self.seen:,} '
                    'pictures of pretraining, neither as the same file nor as a near copy '
                    f'{rule}{unread}.')
        return (f'Of {self.tested:,} test pictures, pretraining has seen {len(same)} as the same '
                f'file and {len(near)} as a near copy {rule}, among {self.seen:,} '
                f'pictures{unread}.')

    def write(self, path: Path) -> Path:
        """Write the result to ``path`` as JSON, and return ``path``."""
        return write_text(path, json.dumps(asdict(self), indent=1, default=str))

    @classmethod
    def read(cls, path: Path) -> 'Leaks':
        """Read what :meth:`write` has written."""
        found = json.loads(path.read_text(encoding='utf-8'))
        pairs = (Leak(Path(p['seen']), Path(p['tested']), p['distance']) for p in found['pairs'])
        return cls(found['seen'], found['tested'], found['unreadable'], tuple(pairs))


def find_leaks(seen: Iterable[Path], tested: Iterable[Path],
               progress: Progress | None = None) -> Leaks:
    """Look for pictures of ``tested`` among those of ``seen``, on all cores.

    Args:
        seen: the files of pretraining.
        tested: the files that detectors are evaluated on.
    """
    # Take the fingerprint of each file once. Those that cannot be read get none.
    seen, tested = list(dict.fromkeys(seen)), list(dict.fromkeys(tested))
    files = list(dict.fromkeys([*seen, *tested]))
    prints: dict[Path, Fingerprint] = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        each = pool.map(_fingerprint, files, chunksize=64)
        for done, (path, found) in enumerate(zip(files, each), 1):
            if found is not None:
                prints[path] = found
            if progress:
                progress(done, len(files))
    # Find the same files, then the near copies that are not the same file.
    seen_ones, tested_ones = ([p for p in part if p in prints] for part in (seen, tested))
    same = list(_same(seen_ones, tested_ones, prints))
    known = {(pair.seen, pair.tested) for pair in same}
    pairs = [*same, *(p for p in _near(seen_ones, tested_ones, prints)
                      if (p.seen, p.tested) not in known)]
    pairs.sort(key=lambda p: (-1 if p.distance is None else p.distance, p.tested, p.seen))
    return Leaks(len(seen), len(tested), len(files) - len(prints), tuple(pairs))


def _fingerprint(path: Path) -> Fingerprint | None:
    import imagehash
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            # Decoding a JPEG at a smaller size is faster.
            image.draft('L', DRAFT)
            gray = image.convert('L')
    except Exception:  # each plugin of Pillow raises errors of its own
        return None
    digest = content_digest(content)
    if np.asarray(gray, float).std() < FLAT:
        return digest, None
    return digest, np.where(imagehash.phash(gray).hash.ravel(), 1, -1).astype(np.float32)


def _same(seen: Sequence[Path], tested: Sequence[Path],
          prints: Mapping[Path, Fingerprint]) -> Iterator[Leak]:
    by_digest = defaultdict(list)
    for path in seen:
        by_digest[prints[path][0]].append(path)
    for path in tested:
        yield from (Leak(other, path, None) for other in by_digest[prints[path][0]])


def _near(seen: Sequence[Path], tested: Sequence[Path],
          prints: Mapping[Path, Fingerprint]) -> Iterator[Leak]:
    seen, tested = ([p for p in part if prints[p][1] is not None] for part in (seen, tested))
    theirs = np.array([prints[p][1] for p in tested], np.float32).reshape(-1, BITS)
    for begin in range(0, len(seen), AT_ONCE):
        part = seen[begin:begin + AT_ONCE]
        ours = np.array([prints[p][1] for p in part], np.float32)
        # For bits written as -1 and 1, the product is (bits that agree) - (bits that differ).
        distances = (BITS - ours @ theirs.T) / 2
        for i, j in zip(*np.nonzero(distances <= NEAR)):
            yield Leak(part[i], tested[j], int(distances[i, j]))


def show_leaks(leaks: Leaks, path: Path) -> Path:
    """Draw the closest pairs to ``path``, the picture that was seen above the one that is tested.

    Returns:
        ``path``.
    """
    pairs = leaks.pairs[:SHOWN]
    canvas = Image.new('RGB', (SIDE * max(1, len(pairs)), 2 * SIDE + 16), 'white')
    draw = ImageDraw.Draw(canvas)
    for i, pair in enumerate(pairs):
        for row, file in enumerate((pair.seen, pair.tested)):
            with Image.open(file) as image:
                thumbnail = ImageOps.pad(image.convert('RGB'), (SIDE - 4, SIDE - 4), color='white')
            canvas.paste(thumbnail, (SIDE * i + 2, SIDE * row + 2))
        text = 'same file' if pair.distance is None else f'{pair.distance} of {BITS} bits'
        draw.text((SIDE * i + 4, 2 * SIDE), text, fill='black')
    with whole_file(path) as unfinished:
        canvas.save(unfinished, 'png')
    return path
