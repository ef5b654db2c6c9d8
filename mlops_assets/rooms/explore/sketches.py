"""How a batch's values are spread, in a few kilobytes a column that merge: history is never read again for distances.

A number's quantiles are a KLL sketch (Karnin, Lang and Liberty, 2016), its distinct values a HyperLogLog (Flajolet et
al., 2007), both of Apache DataSketches; missing values are counted, and categories as long as there are few.
KLL draws at random which values it drops, so that two sketches of the same rows differ by its error: one is made once,
and kept by the fingerprint of its rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.explore.profile import by_count

if TYPE_CHECKING:
    import pyarrow as pa
    from datasketches import kll_doubles_sketch

    from mlops_assets.stores.cache import Cache
    from mlops_assets.stores.lake import Lake

K: Final = 1000
"""Of KLL: a rank is off by under .3 %."""
LG_K: Final = 12
"""Of HyperLogLog: a count is off by 1.6 %."""
MOST_CATEGORIES: Final = 1000
"""Up to which categories are counted one by one."""
POINTS: Final = 1000
"""Ranks at which two distributions are held against each other."""
PIECE: Final = 131_072


@dataclass(frozen=True)
class Sketch:
    """The spread of one column; NaN counts as missing.

    Attributes:
        column: its name.
        rows: all of them.
        nulls: of the rows.
        kinds: HyperLogLog of the distinct values.
        quantiles: KLL of the numbers; None: no number.
        counts: each category with its count; None: too many, or a number.
    """

    column: str
    rows: int
    nulls: int
    kinds: bytes
    quantiles: bytes | None = None
    counts: Mapping[str, int] | None = None

    @property
    def distinct(self) -> int:
        """About how many values there are; exact where they are counted."""
        from datasketches import hll_sketch

        if self.counts is not None:
            return len(self.counts)
        return round(float(hll_sketch.deserialize(self.kinds).get_estimate()))


def of_table(rows: "pa.Table") -> list[Sketch]:
    """Sketch every column of numbers, texts and truth values.

    >>> import pyarrow as pa
    >>> [wind, carrier] = of_table(pa.table({"wind": [1.0, 2.0, None], "carrier": ["AA", "UA", "AA"]}))
    >>> wind.nulls, wind.distinct, carrier.counts
    (1, 2, {'AA': 2, 'UA': 1})
    """
    return [_of_column(name, rows.column(name)) for name in rows.column_names if _kind(rows.schema.field(name).type)]


def merge(sketches: Iterable[Sketch]) -> Sketch:
    """Of one column over several batches, as if over all rows at once, within the error of the sketches."""
    return reduce(_merged, sketches)


def distance(one: Sketch, other: Sketch) -> float | None:
    """Kolmogorov-Smirnov of numbers, total variation of counted categories; None where neither can be told."""
    if one.quantiles is not None and other.quantiles is not None:
        return _kolmogorov_smirnov(_kll(one.quantiles), _kll(other.quantiles))
    if one.counts is not None and other.counts is not None:
        here, there = (sum(each.counts.values()) for each in (one, other) if each.counts is not None)
        if not here or not there:
            return None
        names = {*one.counts, *other.counts}
        return sum(abs(one.counts.get(n, 0) / here - other.counts.get(n, 0) / there) for n in names) / 2
    return None


def distances(before: Sequence[Sketch], now: Sequence[Sketch]) -> dict[str, float]:
    """Of every column that both have, by name."""
    known = {sketch.column: sketch for sketch in before}
    pairs = ((sketch, known[sketch.column]) for sketch in now if sketch.column in known)
    found = {sketch.column: distance(other, sketch) for sketch, other in pairs}
    return {name: apart for name, apart in found.items() if apart is not None}


def of_batch(
    lake: "Lake",
    dataset: str,
    batch: str,
    fingerprint: str,
    *,
    kept: "Cache | None" = None,
    rows: "pa.Table | None" = None,
    version: int | None = None,
) -> list[Sketch]:
    """The sketches of a clean batch: found by the fingerprint of its rows, or else made and kept.

    Args:
        lake: the tables.
        dataset: whose batch it is.
        batch: its name.
        fingerprint: of its rows.
        kept: where sketches are; None: nowhere.
        rows: of the batch, where they have been read already.
        version: of the clean table, in which the batch has these rows; default: the newest.
    """
    found = kept.get(dataset, fingerprint) if kept is not None else None
    if found is not None:
        return loads(found)
    if rows is None:
        rows = lake.read(keys.table(dataset, "clean"), batches=[batch], version=version)
    made = of_table(rows)
    if kept is not None:
        kept.put(dataset, fingerprint, dumps(made))
    return made


def together(batches: Iterable[Sequence[Sketch]]) -> list[Sketch]:
    """The sketches of several batches as one a column; of a column that changed its kind, the newest."""
    columns: dict[str, Sketch] = {}
    for batch in batches:
        for sketch in batch:
            known = columns.get(sketch.column)
            same = known is not None and (known.quantiles is None) == (sketch.quantiles is None)
            columns[sketch.column] = merge([known, sketch]) if known is not None and same else sketch
    return list(columns.values())


def dumps(sketches: Sequence[Sketch]) -> bytes:
    """As an Arrow stream."""
    import pyarrow as pa

    counts = pa.map_(pa.string(), pa.int64())
    kinds = {"column": pa.string(), "rows": pa.int64(), "nulls": pa.int64(), "kinds": pa.binary()}
    schema = pa.schema([*kinds.items(), ("quantiles", pa.binary()), ("counts", counts)])
    rows = [
        {**vars(sketch), "counts": None if sketch.counts is None else list(sketch.counts.items())}
        for sketch in sketches
    ]
    target = pa.BufferOutputStream()
    with pa.ipc.new_stream(target, schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    content: bytes = target.getvalue().to_pybytes()
    return content


def loads(content: bytes) -> list[Sketch]:
    """Read what `dumps` gave."""
    import pyarrow as pa

    with pa.ipc.open_stream(content) as reader:
        rows = reader.read_all().to_pylist()
    return [Sketch(**{**row, "counts": None if row["counts"] is None else dict(row["counts"])}) for row in rows]


def _kind(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    return "category" if any(test(kind) for test in texts) else ""


def _of_column(name: str, values: "pa.ChunkedArray") -> Sketch:
    import pyarrow as pa
    import pyarrow.compute as pc
    from datasketches import hll_sketch, kll_doubles_sketch

    number = _kind(values.type) == "number"
    kll, hll, nulls, counts = kll_doubles_sketch(K), hll_sketch(LG_K), 0, Counter[str]()
    for start in range(0, len(values), PIECE):
        piece = values.slice(start, PIECE)
        nulls += pc.sum(piece.is_null(nan_is_null=True)).as_py()
        present = piece.cast(pa.float64() if number else pa.string(), safe=False).drop_null()
        if number:
            numbers = present.to_numpy()
            numbers = numbers[numbers == numbers]  # noqa: PLR0124 - NaN differs from itself
            kll.update(numbers)
            present = pa.chunked_array([pa.array(numbers)])
        found = present.value_counts()
        for value in found.field("values").to_pylist():
            hll.update(value)
        if not number and len(counts) <= MOST_CATEGORIES:
            counts.update(dict(zip(*(found.field(part).to_pylist() for part in ("values", "counts")), strict=True)))
    few = by_count(counts) if not number and len(counts) <= MOST_CATEGORIES else None
    return Sketch(name, len(values), nulls, hll.serialize_compact(), kll.serialize() if number else None, few)


def _merged(one: Sketch, other: Sketch) -> Sketch:
    from datasketches import hll_sketch, hll_union

    kinds = hll_union(LG_K)
    for sketch in (one, other):
        kinds.update(hll_sketch.deserialize(sketch.kinds))
    quantiles = None
    if one.quantiles is not None and other.quantiles is not None:
        merged = _kll(one.quantiles)
        merged.merge(_kll(other.quantiles))
        quantiles = merged.serialize()
    counts: Mapping[str, int] | None = None
    if one.counts is not None and other.counts is not None:
        counts = by_count(Counter(one.counts) + Counter(other.counts))
        counts = counts if len(counts) <= MOST_CATEGORIES else None
    rows, nulls = one.rows + other.rows, one.nulls + other.nulls
    return Sketch(one.column, rows, nulls, kinds.get_result().serialize_compact(), quantiles, counts)


def _kll(content: bytes) -> "kll_doubles_sketch":
    from datasketches import kll_doubles_sketch

    return kll_doubles_sketch.deserialize(content)


def _kolmogorov_smirnov(one: Any, other: Any) -> float | None:
    import numpy as np

    if one.is_empty() or other.is_empty():
        return None
    ranks = np.linspace(0, 1, POINTS + 1)
    points = np.unique(np.concatenate([np.array(each.get_quantiles(ranks)) for each in (one, other)]))
    here, there = (np.array(each.get_cdf(points, True))[:-1] for each in (one, other))
    return float(np.abs(here - there).max())
