"""Text as Arrow casts it: many times sooner than SQL, where it cannot find another value than SQL does."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.validate.contract import Column

_SECONDS: Final = 16
"""The byte of a moment such as 2013-01-15 10:30:00Z at which its seconds begin; Arrow takes some that have none."""


def cast(rows: "pa.Table", columns: "Sequence[Column]") -> "pa.Table":
    """The rows with each column of text in the contract's type where every value of it has the plain form of one.

    That is what `casting.cast` would make of it; what has another form anywhere stays text, for SQL to look at.
    """
    import pyarrow as pa

    places = {name.lower(): place for place, name in enumerate(rows.column_names)}
    asked = [(places[each.name.lower()], each.type) for each in columns if each.name.lower() in places]
    texts = [(place, kind) for place, kind in asked if rows.schema.types[place] == pa.string() and kind != "VARCHAR"]
    if not texts:
        return rows
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda each: plain(rows.column(each[0]), each[1]), texts))
    for (place, _), values in zip(texts, found, strict=True):
        if values is not None:
            rows = rows.set_column(place, rows.column_names[place], values)
    return rows


def plain(texts: "pa.ChunkedArray", kind: str) -> "pa.ChunkedArray | None":
    """Text as values of a contract's type; None where one of them has another form than the type's plain one.

    >>> import pyarrow as pa
    >>> plain(pa.chunked_array([["1", None, "-20"]]), "BIGINT").to_pylist()
    [1, None, -20]
    >>> plain(pa.chunked_array([["1", "2.0"]]), "BIGINT") is None
    True
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = {"TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}
    kinds = {**numbers, "DOUBLE": pa.float64(), "DATE": pa.date32(), "TIMESTAMPTZ": pa.timestamp("us", "UTC")}
    wanted = kinds.get(kind)
    if wanted is None:
        return None
    try:
        values = pc.cast(texts, wanted)
    except pa.ArrowInvalid:
        return None
    if kind == "TIMESTAMPTZ":
        return values if all(_has_seconds(chunk) for chunk in texts.chunks) else None
    if kind != "DATE" and any(_is_odd(chunk) for chunk in texts.chunks):
        return None
    finite = kind != "DOUBLE" or pc.all(pc.is_finite(values)).as_py() is not False
    return values if finite else None


def _is_odd(texts: "pa.StringArray") -> bool:
    """Whether some text may be a number to the base of 16, or none at all."""
    _, _, held = texts.buffers()
    content = held.to_pybytes().lower() if held else b""
    return b"x" in content or b"n" in content


def _has_seconds(texts: "pa.StringArray") -> bool:
    import numpy as np

    if texts.null_count == len(texts):
        return True
    _, offsets, held = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    there = texts.is_valid().to_numpy(zero_copy_only=False)
    starts, ends = bounds[:-1][there], bounds[1:][there]
    long = (ends - starts).min() > _SECONDS
    return bool(long and (np.frombuffer(held, np.uint8)[starts + _SECONDS] == ord(":")).all())
