"""A progress bar with the remaining time, as a callable that the long functions here take."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar on stderr while the block runs. Yield a function to call with (done, total)."""
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn(title), progress.BarColumn(), progress.MofNCompleteColumn(),
               progress.TimeRemainingColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
