"""Read all runs under some folders."""
from collections.abc import Callable, Sequence
from pathlib import Path

from .find_runs import find_runs
from .read_run import LAST, NotARun, read_run
from .run import Fault, Run

OTHER_KIND = 'a run of mmpretrain, not of a detector'


def read_runs(paths: Sequence[str | Path], epoch: str = LAST,
              annotations: Path | None = None, progress: Callable[[int, int], None] | None = None
              ) -> tuple[list[Run], list[Fault]]:
    """Read every run under ``paths``, at any depth.

    If there are detectors, the classifiers are what they were pretrained from, and are left out.

    Args:
        epoch: 'last', or 'best' by the primary metric. The best epoch is optimistic, since it is
            chosen on the evaluation set itself.
        annotations: a COCO json for runs whose own annotations are not on this machine.
        progress: is called with (folders read, folders in all).

    Returns:
        A tuple (runs, faults). The faults are the folders that give no record and the flaws of
        those that do, each with the reason.
    """
    runs: list[Run] = []
    folders, faults = find_runs(paths)
    for done, folder in enumerate(folders, 1):
        # A folder that cannot be read is reported, and the others are read all the same.
        try:
            run = read_run(folder, epoch, annotations)
        except NotARun as error:
            faults.append(Fault(folder, str(error), error.bad))
        except OSError as error:
            faults.append(Fault(folder, f'cannot be read ({error.strerror}: {error.filename})'))
        else:
            runs.append(run)
            faults += [Fault(folder, note) for note in run.notes]
        if progress:
            progress(done, len(folders))
    # Classifiers are compared only among themselves.
    if not all(run.is_classifier for run in runs):
        faults += [Fault(r.folder, OTHER_KIND, bad=False) for r in runs if r.is_classifier]
        runs = [r for r in runs if not r.is_classifier]
    return runs, faults
