"""The format of ``<work_dir>/detections/``, which DetectionDump writes into a run."""
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..files import write_text

FOLDER = 'detections'
TRUTH = 'truth.json'
INDEX = 'index.json'
FORMAT = 1


@dataclass(frozen=True)
class Dump:
    """The detections of one evaluation, and the metrics that it logged (in 0..1).

    Args:
        file: the file of the boxes.
        masks: the file of the masks, or None if masks were not evaluated.
    """
    file: str
    metrics: dict[str, float]
    masks: str | None = None

    @property
    def files(self) -> list[str]:
        """The names of all files."""
        return [self.file] + ([self.masks] if self.masks else [])


@dataclass(frozen=True)
class DumpIndex:
    """The evaluations of a run that were kept.

    Args:
        truth_sha256: the digest of ``truth.json``, equal for all runs on the same evaluation set.
        epochs: the evaluations, by the epoch as text, or by 'test' if the epoch is unknown.
        versions: the versions of Python and of the packages that made the detections.
    """
    truth_sha256: str
    epochs: dict[str, Dump]
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write the index into ``folder``.

        It is the last file of a dump to be written, so a folder with an index is complete.
        """
        write_text(folder / INDEX, json.dumps(asdict(self), indent=2) + '\n')

    @classmethod
    def read(cls, folder: Path) -> 'DumpIndex | None':
        """Read the index of ``folder``, or return None if there is none.

        Raises:
            ValueError: the index is cut off, or has another format.
        """
        path = folder / INDEX
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding='utf-8'))
            if values['format'] != FORMAT:
                raise ValueError(f'format {values["format"]}, this version reads {FORMAT}')
            epochs = {name: Dump(**dump) for name, dump in values.pop('epochs').items()}
            return cls(epochs=epochs, **values)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path}: not an index of detections ({error})') from None
