"""A batch of answers as one record of the log: a column a field, so that nothing is written or summed row by row.

{"t": 1795596079542787, "v": 1, "role": "champion", "us": [299, 301], "said": [{"id": ...}, {"id": ...}],
 "asked": [{"inputs": {...}}, {"inputs": {...}}]}
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


def frame(
    head: bytes,
    seconds: Sequence[float],
    said: Sequence[bytes],
    asked: Sequence[bytes],
    more: Sequence[Mapping[str, Any] | None],
) -> bytes:
    """The record's JSON.

    Args:
        head: what is the same for all: time in microseconds, version and role, as JSON without the braces.
        seconds: that each took; fewer where rows came in one request: the last ones'.
        said: each answer's JSON.
        asked: each question's, with what the log may hold of it; none where it is in the log already.
        more: what else is to be held of each; none where there is nothing.
    """
    micros = msgspec.json.encode([int(each * 1e6) for each in seconds])
    parts = [b"{", head, b',"us":', micros, b',"said":[', b",".join(said), b"]"]
    if asked:
        parts += (b',"asked":[', b",".join(asked), b"]")
    if any(more):
        parts += (b',"more":', msgspec.json.encode(more))
    return b"".join([*parts, b"}"])


def rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A record's rows: of one that holds no batch, itself.

    >>> rows({"t": 1, "v": 2, "role": "champion", "us": [30], "said": [{"id": "a", "model": "m", "version": 2,
    ...       "score": 0.5, "answer": True}], "asked": [{"inputs": {"distance": 3}}]})
    [{'id': 'a', 't': 1, 'v': 2, 'role': 'champion', 'us': 30, 'score': 0.5, 'answer': True, 'in': {'distance': 3.0}}]
    """
    if "said" not in record:
        return [record]
    same = {name: record[name] for name in ("t", "v", "role")}
    nothing = [None] * len(record["said"])
    micros = [*nothing[len(record["us"]) :], *record["us"]]
    columns = (micros, record["said"], record.get("asked", nothing), record.get("more", nothing))
    return [_row(same, *each) for each in zip(*columns, strict=True)]


def _row(
    same: dict[str, Any],
    micros: int | None,
    said: dict[str, Any],
    asked: dict[str, Any] | None,
    more: dict[str, Any] | None,
) -> dict[str, Any]:
    answer = {name: value for name, value in said.items() if name not in ("id", "model", "version")}
    row = {"id": said["id"], **same, "us": micros, **answer, **(more or {})}
    return row if asked is None else {**row, "in": {name: _as_asked(value) for name, value in asked["inputs"].items()}}


def _as_asked(value: Any) -> Any:
    """A number as the model was asked it: no feature is an integer, though its caller may write one."""
    return float(value) if isinstance(value, int) else value
