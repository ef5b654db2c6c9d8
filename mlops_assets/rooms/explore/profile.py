"""What a batch's columns hold, in a few figures each, that merge over batches without looking at the rows again."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

MOST_VALUES: Final = 64
"""A column with more distinct values than this has no table of values."""
_INTEGER: Final = r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?"
_NUMBER: Final = rf"{_INTEGER}|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)"


@dataclass(frozen=True)
class ColumnProfile:
    """The figures of one column; NaN counts as null.

    Attributes:
        column: its name.
        type: as DuckDB names it.
        rows: all of them, null or not.
        nulls: of the rows.
        distinct: values; exact while `values` is known, else approximate, and after a merge a lower bound.
        lowest: the least value, as text; None where there is none.
        highest: the greatest value, as text.
        mean: of numbers; of a boolean, the share that is true.
        m2: the sum of squared distances from the mean.
        values: each value with its count, most frequent first; None where there are too many, or of other types.
    """

    column: str
    type: str
    rows: int
    nulls: int
    distinct: int
    lowest: str | None = None
    highest: str | None = None
    mean: float | None = None
    m2: float | None = None
    values: Mapping[str, int] | None = None

    @property
    def null_share(self) -> float:
        """Of the rows; 0 where there are none."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def std(self) -> float | None:
        """The standard deviation of the numbers as they are, not as a sample."""
        return None if self.m2 is None else math.sqrt(max(self.m2, 0.0) / (self.rows - self.nulls))


def merge(profiles: Iterable[ColumnProfile]) -> ColumnProfile:
    """The profile of one column over several batches; all but `distinct` is exact, as if over all rows at once.

    The variance is combined as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
    Sample Variances" (1979).

    Raises:
        ValueError: there is nothing to merge, or it is of different columns or types.
    """
    parts = list(profiles)
    if len({(part.column, part.type) for part in parts}) != 1:
        raise ValueError(f"profiles of one column and type merge; got {[(p.column, p.type) for p in parts]}")
    merged = parts[0]
    for part in parts[1:]:
        merged = _merged(merged, part)
    return merged


def to_table(profiles: Sequence[ColumnProfile], fingerprint: str) -> "pa.Table":
    """One row a column, with the fingerprint of the rows that were profiled."""
    import pyarrow as pa

    rows = []
    for profile in profiles:
        values = None if profile.values is None else json.dumps(dict(profile.values), ensure_ascii=False)
        rows.append({**asdict(profile), "values": values, "fingerprint": fingerprint})
    text, whole, number = pa.string(), pa.int64(), pa.float64()
    kinds = {"column": text, "type": text, "rows": whole, "nulls": whole, "distinct": whole, "lowest": text}
    kinds |= {"highest": text, "mean": number, "m2": number, "values": text, "fingerprint": text}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def from_table(rows: "pa.Table") -> list[ColumnProfile]:
    """Read what `to_table` gave."""
    found = []
    for row in rows.drop_columns(["fingerprint"]).to_pylist():
        values = None if row["values"] is None else json.loads(row["values"])
        found.append(ColumnProfile(**{**row, "values": values}))
    return found


def _merged(one: ColumnProfile, other: ColumnProfile) -> ColumnProfile:
    values = None
    if one.values is not None and other.values is not None:
        together = by_count(Counter(one.values) + Counter(other.values))
        values = together if len(together) <= MOST_VALUES else None
        distinct = len(together)
    else:
        distinct = max(one.distinct, other.distinct)
    mean, m2 = _moments(one, other)
    return ColumnProfile(
        column=one.column,
        type=one.type,
        rows=one.rows + other.rows,
        nulls=one.nulls + other.nulls,
        distinct=distinct,
        lowest=_extreme(one.type, min, one.lowest, other.lowest),
        highest=_extreme(one.type, max, one.highest, other.highest),
        mean=mean,
        m2=m2,
        values=values,
    )


def _moments(one: ColumnProfile, other: ColumnProfile) -> tuple[float | None, float | None]:
    if one.mean is None or one.m2 is None:
        return other.mean, other.m2
    if other.mean is None or other.m2 is None:
        return one.mean, one.m2
    n, m = one.rows - one.nulls, other.rows - other.nulls
    apart = other.mean - one.mean
    return one.mean + apart * m / (n + m), one.m2 + other.m2 + apart * apart * n * m / (n + m)


def _extreme(kind: str, pick: Callable[..., str], *texts: str | None) -> str | None:
    """Numbers compare as numbers, all else as text; ISO dates and times in UTC compare rightly as text."""
    present = [text for text in texts if text is not None]
    return pick(present, key=Decimal if is_number(kind) else str) if present else None


def by_count(values: Mapping[str, int]) -> dict[str, int]:
    """The values, most frequent first; of equal counts in their own order."""
    return dict(sorted(values.items(), key=lambda item: (-item[1], item[0])))


def is_number(kind: str) -> bool:
    """Whether a DuckDB type holds numbers.

    >>> is_number("BIGINT"), is_number("DECIMAL(18,3)"), is_number("INTERVAL"), is_number("DOUBLE[]")
    (True, True, False, False)
    """
    return re.fullmatch(_NUMBER, kind) is not None


def is_time(kind: str) -> bool:
    """Whether a DuckDB type holds days or moments.

    >>> is_time("DATE"), is_time("TIMESTAMP WITH TIME ZONE"), is_time("TIME")
    (True, True, False)
    """
    return kind == "DATE" or kind.startswith("TIMESTAMP")


def has_few_kinds(kind: str) -> bool:
    """Whether values of a DuckDB type may stand for categories: texts, booleans and integers."""
    return re.fullmatch(rf"VARCHAR|BOOLEAN|{_INTEGER}", kind) is not None
