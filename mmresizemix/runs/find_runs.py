"""Find the folders of runs."""
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import learning_rate_choice
from .detection_index import FOLDER
from .logs import starts_of
from .run import Fault


def find_runs(paths: Sequence[str | Path]) -> tuple[list[Path], list[Fault]]:
    """Find the folders that hold starts of MMEngine runs under ``paths``, at any depth.

    Returns:
        A tuple (folders, faults). The faults are folders that are missing, cannot be entered, or
        hold no run.
    """
    found: list[Path] = []
    faults: list[Fault] = []
    for path in map(Path, paths):
        if not path.is_dir():
            faults.append(Fault(path, 'no such folder'))
            continue
        here = list(_walk(path))
        found += [one for one in here if isinstance(one, Path)]
        faults += [one for one in here if isinstance(one, Fault)]
        # A folder that could not be entered is a fault already, and may hold runs.
        if not here:
            faults.append(Fault(path, 'holds no run of MMEngine (no <date>_<time> folder with '
                                      'vis_data or a log in it)'))
    # Given paths may overlap, and links may name a folder twice.
    return list(dict.fromkeys(p.resolve() for p in found)), faults


def _walk(top: Path) -> Iterator[Path | Fault]:
    """Yield each folder of a run, and a fault for each folder that cannot be entered."""
    failed: list[OSError] = []
    for folder, names, _ in os.walk(top, onerror=failed.append):
        names.sort()
        # os.walk enters only what stays in ``names``. Starts and detections hold no runs, and the
        # trials of learning rates are none to compare.
        if learning_rate_choice.path_in(folder).is_file():
            names.remove(learning_rate_choice.FOLDER)
        starts = [p for p in starts_of(folder) if _is_start(p)]
        if starts:
            yield Path(folder)
            names[:] = [n for n in names if n not in {p.name for p in starts} | {FOLDER}]
    for error in failed:
        yield Fault(Path(error.filename), f'cannot be read ({error.strerror})')


def _is_start(folder: Path) -> bool:
    return (folder / 'vis_data').is_dir() or (folder / f'{folder.name}.log').is_file()
