"""Write the tables and the report of folders of runs, as ``tools/compare.py`` does."""
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..console.progress_bar import progress_bar
from ..files import write_text
from ..results.assess import assess
from ..results.compare import compare
from ..results.comparison import Comparison
from ..runs import read_runs
from .formats import FORMATS
from .html import write_report

REPORT = 'report.html'


def make_comparison(paths: Sequence[str | Path], out: str | Path, *,
                    formats: Sequence[str] = (*FORMATS, 'html'), baseline: str | None = None,
                    epoch: str = 'last', annotations: Path | None = None, resamples: int = 1000,
                    allow_different: bool = False, workers: int | None = None,
                    quiet: bool = False, pictures: Path | None = None,
                    remark: str | None = None) -> Comparison:
    """Read every run under ``paths``, compare them, and write ``formats`` into the folder ``out``.

    Args:
        formats: any of 'md', 'csv', 'json', 'latex' and 'html' (the report).
        baseline: the row that others are compared with. None means 'baseline'.
        epoch: which evaluation of a run counts, 'last' or 'best'.
        annotations: a COCO json for runs whose own annotations are not on this machine.
        resamples: the number of resamples of the validation images, for runs that have kept their
            detections.
        allow_different: compare runs whose configs differ in more than backbone and seed.
        workers: the number of processes that evaluate detections. None means one per CPU core.
        quiet: show no progress on stderr.
        pictures: the folder of mixed batches as drawn by tools/show_mix.py. None means ``paths``.
        remark: a text to show above the tables.
    """
    out = Path(out)
    with _progress('reading runs', quiet) as progress:
        runs, faults = read_runs(paths, epoch, annotations, progress)
    with _progress('evaluating detections', quiet) as progress:
        assessed = assess(runs, resamples, workers=workers, progress=progress)
    result = compare(assessed, faults, baseline=baseline, allow_different=allow_different,
                     resamples=resamples, epoch=epoch, remark=remark)
    # A misspelt folder must not take the place of an earlier comparison.
    for name in formats if runs else ():
        if name == 'html':
            write_report(out / REPORT, result, [pictures] if pictures else paths)
        else:
            file, show = FORMATS[name]
            write_text(out / file, show(result))
    return result


def _progress(what: str, quiet: bool) -> AbstractContextManager:
    return nullcontext() if quiet else progress_bar(what)
