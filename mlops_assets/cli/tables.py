"""Rows of figures as a table on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

WIDE: Final = 160
"""Columns of what is no terminal, such as a file or a pipe."""


def show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under the names of their first; what is None or empty is a dash."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0] if rows else ["(none)"]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    console = Console()
    Console(width=console.width if console.is_terminal else WIDE).print(table)


def size(count: float) -> str:
    """Bytes as a person reads them.

    >>> size(512), size(2_500_000)
    ('512 B', '2.5 MB')
    """
    thousand = 1000
    for unit in ("B", "kB", "MB"):
        if count < thousand:
            return f"{count:.3g} {unit}"
        count /= thousand
    return f"{count:.3g} GB"


def _text(value: object) -> str:
    if value is None or value in ([], (), ""):
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
