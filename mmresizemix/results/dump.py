"""``<work_dir>/detections/``: what DetectionDump leaves in a run, and how to read it."""
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
    """One evaluation: the file of its detections, and the metrics that it logged (in 0..1)."""
    file: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class DumpIndex:
    """Which evaluations of a run were kept.

    Args:
        truth_sha256: of ``truth.json``: the same for all runs over the same evaluation set.
        epochs: by the epoch, as text, or 'test' where that is unknown.
        versions: of Python and the packages that made them.
    """
    truth_sha256: str
    epochs: dict[str, Dump]
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Last of the files of a dump: what has it is whole."""
        write_text(folder / INDEX, json.dumps(asdict(self), indent=2) + '\n')

    @classmethod
    def read(cls, folder: Path) -> 'DumpIndex | None':
        """None where there is none.

        Raises:
            ValueError: it is cut off, or of another format.
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
