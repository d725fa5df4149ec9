"""Folders of runs -> the table and the report, written. What ``tools/compare.py`` does."""
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..files import write_text
from ..progress import progress_bar
from .assess import assess
from .compare import compare
from .comparison import Comparison
from .formats import FORMATS
from .read_folders import read_runs
from .report import write_report

REPORT = 'report.html'


def make_comparison(paths: Sequence[str | Path], out: str | Path, *,
                    formats: Sequence[str] = (*FORMATS, 'html'), baseline: str | None = None,
                    epoch: str = 'last', annotations: Path | None = None, resamples: int = 1000,
                    allow_different: bool = False, workers: int | None = None,
                    quiet: bool = False, pictures: Path | None = None,
                    remark: str | None = None) -> Comparison:
    """Read every run under ``paths``, compare, and write ``formats`` into the folder ``out``.

    Args:
        formats: of 'md', 'csv', 'json', 'latex', 'html' (the report).
        resamples: of the validation images, where runs have left their detections.
        quiet: no progress on stderr.
        remark: to stand above the tables.
        pictures: folder of mixed batches as tools/show_mix.py draws them (default: ``paths``).
    """
    out = Path(out)
    with _progress('reading runs', quiet) as progress:
        runs, faults = read_runs(paths, epoch, annotations, progress)
    with _progress('evaluating detections', quiet) as progress:
        runs, evaluations, truths, more = assess(runs, resamples, workers=workers,
                                                 progress=progress)
    sets = {folder: (len(t.image_ids), tuple(t.class_names)) for folder, t in truths.items()}
    result = compare(runs, evaluations, sets, [*faults, *more], baseline=baseline,
                     allow_different=allow_different, resamples=resamples, epoch=epoch,
                     remark=remark)
    for name in formats:
        if name == 'html':
            write_report(out / REPORT, result, truths, [pictures] if pictures else paths)
        else:
            file, show = FORMATS[name]
            write_text(out / file, show(result))
    return result


def _progress(what: str, quiet: bool) -> AbstractContextManager:
    return nullcontext() if quiet else progress_bar(what)
