"""The display of a replay: what is being done, and a line a month."""

import re
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from mlops_assets.cli.story import Chapter

_HEADER = (
    "month     arrived    clean  quarantined merged  AUC    drift            "
    "retrained because      verdict       champion"
)


class Progress:
    """A status line that moves, and lines that stay."""

    def __init__(self) -> None:
        """Nothing is shown until the block is entered."""
        self.console = Console(soft_wrap=True, highlight=False)
        self.status = Status("landing", console=self.console)
        self._header = False

    def __enter__(self) -> Self:
        """Begin to show."""
        self.status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        self.status.stop()

    def doing(self, what: str, partition: str) -> None:
        """Say what runs now."""
        self.status.update(f"{what} {partition}".strip())

    def chapter(self, chapter: Chapter) -> None:
        """Say in a line what happened in a month."""
        if not self._header:
            self.console.print(_HEADER, style="bold")
            self._header = True
        self.console.print(line(chapter))

    def look(self, url: str) -> None:
        """Say where to look while it goes on."""
        self.console.print(f"Dagster's UI: {url}  (assets: {url}/asset-groups, sensors: {url}/automation)")

    def stay(self, url: str) -> None:
        """Say that the replay is over and the UI is not."""
        self.status.stop()
        self.console.print(f"\nThe year is over. The UI stays at {url} until you press Ctrl-C.")

    def end(self, materialized: int) -> None:
        """Say what it came to."""
        self.status.stop()
        self.console.print(f"{materialized} materializations; look at them with `mlops up`.")


def line(chapter: Chapter) -> str:
    """A month in a line; what did not happen is a dash."""
    drift = _drift(chapter)
    auc = "-" if chapter.auc is None else f"{chapter.auc:.3f}"
    champion = "-" if chapter.champion is None else f"v{chapter.champion}"
    counts = f"{chapter.rows_in:>8,} {chapter.clean:>8,} {chapter.quarantined:>12,} {chapter.merged:>6,}"
    causes = ", ".join(chapter.causes) or "-"
    text = f"{chapter.month} {counts}  {auc:<6} {drift:<16} {causes:<22} {chapter.verdict or '-':<13} {champion}"
    return f"{text}  way stopped: run {chapter.failed}" if chapter.failed else text


def _drift(chapter: Chapter) -> str:
    """The detector's figure, or the kinds of a fault: it stops the window, whatever the detectors say."""
    if chapter.drift_faulty:
        return f"fault: {', '.join(sorted(set(re.findall(r'[(]([a-z]+)[)]', chapter.drift_faulty))))}"
    if chapter.drift is None or chapter.drift_threshold is None:
        return "-"
    mark = "!" if chapter.drift_alarm else " "
    return f"{chapter.drift:.3f} of {chapter.drift_threshold:.3f}{mark}"
