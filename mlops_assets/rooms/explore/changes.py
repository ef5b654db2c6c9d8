"""What changed from one profile to the next, in words and figures; it describes and never alarms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mlops_assets.rooms.explore.profile import ColumnProfile

NULLS: Final = 0.01
"""Difference of null shares from which a column counts as changed."""
SHIFT: Final = 0.2
"""Difference of means, in standard deviations, from which a column counts as changed: Cohen's small effect."""
APART: Final = 0.1
"""Distance from which a column's distribution counts as changed, from the batch before and from all before."""
ROWS: Final = 0.1
"""Relative difference of row counts from which it is told."""


@dataclass(frozen=True)
class Change:
    """One thing that is no longer as it was.

    Attributes:
        column: its name; empty: the rows as a whole.
        what: of it, such as `mean` or `new values`.
        before: as text.
        now: as text.
    """

    column: str
    what: str
    before: str
    now: str


def between(before: Sequence[ColumnProfile], now: Sequence[ColumnProfile]) -> list[Change]:
    """All that changed, in the order of the columns now; columns that vanished come last.

    >>> was, new = ColumnProfile("wind", "DOUBLE", 10, 0, 9), ColumnProfile("wind", "DOUBLE", 10, 4, 5)
    >>> [(change.what, change.before, change.now) for change in between([was], [new])]
    [('null share', '0.0%', '40.0%')]
    """
    known = {profile.column: profile for profile in before}
    found = list(_rows(before, now))
    for profile in now:
        if profile.column in known:
            for compare in _COMPARISONS:
                found += compare(known[profile.column], profile)
        else:
            found.append(Change(profile.column, "new column", "", profile.type))
    kept = {profile.column for profile in now}
    return found + [Change(p.column, "vanished column", p.type, "") for p in before if p.column not in kept]


def spread(
    last: Mapping[str, float], ever: Mapping[str, float], usual: Mapping[str, float], batches: int
) -> list[Change]:
    """The columns whose values are spread as in no batch before, the furthest first.

    Args:
        last: distance to the batch before, a column each.
        ever: to all before together.
        usual: of the batch before to all before it: what counts its batches is always as far.
        batches: how many these are.
    """
    more = f", {{:.2f}} from all {batches} before" if batches > 1 else ""
    new = [name for name in ever if ever[name] > usual.get(name, 0.0)]
    apart = sorted((-ever[name], name) for name in new if min(ever[name], last.get(name, 0.0)) > APART)
    return [
        Change(name, "distribution", "", f"{last[name]:.2f} from the batch before{more.format(-far)}")
        for far, name in apart
    ]


def columns(changes: Sequence[Change]) -> list[str]:
    """The columns that changed, each once."""
    return list(dict.fromkeys(change.column for change in changes if change.column))


def _rows(before: Sequence[ColumnProfile], now: Sequence[ColumnProfile]) -> Iterator[Change]:
    if before and now and abs(now[0].rows - before[0].rows) > ROWS * before[0].rows:
        yield Change("", "rows", f"{before[0].rows:,}", f"{now[0].rows:,}")


def _type(before: ColumnProfile, now: ColumnProfile) -> Iterator[Change]:
    if before.type != now.type:
        yield Change(now.column, "type", before.type, now.type)


def _nulls(before: ColumnProfile, now: ColumnProfile) -> Iterator[Change]:
    if abs(now.null_share - before.null_share) >= NULLS:
        yield Change(now.column, "null share", f"{before.null_share:.1%}", f"{now.null_share:.1%}")


def _mean(before: ColumnProfile, now: ColumnProfile) -> Iterator[Change]:
    if before.type != now.type or before.mean is None or now.mean is None or before.std is None or now.std is None:
        return
    spread = ((before.std**2 + now.std**2) / 2) ** 0.5
    if abs(now.mean - before.mean) > SHIFT * spread:
        yield Change(now.column, "mean", f"{before.mean:.4g}", f"{now.mean:.4g}")


def _values(before: ColumnProfile, now: ColumnProfile) -> Iterator[Change]:
    if before.values is None or now.values is None or not before.type == now.type in ("VARCHAR", "BOOLEAN"):
        return
    appeared, gone = sorted(set(now.values) - set(before.values)), sorted(set(before.values) - set(now.values))
    if appeared:
        yield Change(now.column, "new values", "", _named(appeared))
    if gone:
        yield Change(now.column, "vanished values", _named(gone), "")


def _named(values: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + rest


_COMPARISONS: Final[tuple[Callable[[ColumnProfile, ColumnProfile], Iterator[Change]], ...]] = (
    _type,
    _nulls,
    _mean,
    _values,
)
