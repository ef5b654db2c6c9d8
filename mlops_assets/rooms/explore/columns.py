"""Every column in a line: its type, what it lacks, how many values it has, and from where to where they go."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from mlops_assets.rooms.explore import bars
from mlops_assets.rooms.explore.profile import ColumnProfile

MOST: Final = 200
"""Columns that have a line."""
LETTERS: Final = 26
HEAD: Final = ("column", "type", "missing", "distinct", "lowest", "mean", "highest", "most frequent")
_TYPES: Final = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}


def drawn(profiles: Sequence[ColumnProfile], distinct: Mapping[str, int]) -> str:
    """A table of the columns.

    Args:
        profiles: of the columns.
        distinct: column to about how many values it has, where the profile has not counted them.
    """
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    lines = "".join(_line(each, distinct) for each in profiles[:MOST])
    more = f"<p>The first {MOST} of {len(profiles):,} columns.</p>" if len(profiles) > MOST else ""
    return f"<table class='changes lines'><tr>{head}</tr>{lines}</table>{more}"


def _line(profile: ColumnProfile, distinct: Mapping[str, int]) -> str:
    present = profile.rows - profile.nulls
    counted = profile.values is not None
    values = profile.distinct if counted else min(distinct.get(profile.column, profile.distinct), present)
    about = "" if counted or not values else "constant" if profile.lowest == profile.highest else f"about {values:,}"
    most = next(iter(profile.values.items()), None) if profile.values else None
    cells = (
        bars.cut(profile.column, LETTERS),
        _TYPES.get(profile.type, profile.type),
        f"{profile.null_share:.2%}" if profile.nulls else "-",
        f"{values:,}" if counted else about or "-",
        _short(profile.lowest),
        "-" if profile.mean is None else bars.told(profile.mean),
        _short(profile.highest),
        f"{bars.cut(most[0], LETTERS)} ({most[1] / present:.0%})" if most else "-",
    )
    first = f"<td title='{escape(profile.column)}'>{escape(cells[0])}</td>"
    return f"<tr>{first}{''.join(f'<td>{escape(cell)}</td>' for cell in cells[1:])}</tr>"


def _short(value: str | None) -> str:
    """A value in its column: a time to the second, a long number with four digits, a text cut."""
    return "-" if value is None else bars.cut(bars.label(value), LETTERS)
