"""How far a backup or a restore has come, on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from services.backup.progress import BackupStep

_TEXTS = {
    BackupStep.COPY: "Copying the database",
    BackupStep.WRITE: "Writing the backup",
    BackupStep.READ: "Reading the backup",
    BackupStep.CHECK: "Checking the database",
    BackupStep.AUDIT: "Checking the audit",
    BackupStep.RESTORE: "Putting it in place",
    BackupStep.FINISH: "Bringing it up to date",
}


class ProgressBar:
    """One line on standard error for each step, where that is a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)
        self._step: BackupStep | None = None

    def __call__(self, step: BackupStep, done: int, total: int | None) -> None:
        """Show how far a step is."""
        if step is not self._step:
            self._step = step
            self._progress.reset(self._task, description=_TEXTS[step], visible=True)
        completed = done if total is None else min(done, total)
        self._progress.update(self._task, completed=completed, total=total)


@contextmanager
def show_progress(*, is_shown: bool) -> Iterator[ProgressBar]:
    """Show progress while the block runs, and leave nothing of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    progress = Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not is_shown
    )
    with progress:
        yield ProgressBar(progress)
