"""What every window showed, a row each: it outlives checks and reports, and it is what a decision to retrain reads."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops_assets import keys

if TYPE_CHECKING:
    from mlops_assets.stores.lake import Lake, TableVersion

ARROW = {str: "string", int: "int64", float: "float64", bool: "bool"}
MOMENTS = ("window_start", "window_end", "label_cutoff")
AGAIN = "@"
"""Between a window and the number of its judgement, in the name of its batch."""
EVER = datetime.min.replace(tzinfo=UTC)

Row = Mapping[str, Any]


def record(lake: "Lake", model: str, stage: str, row: Row) -> "TableVersion":
    """Keep the figures of one window; those of the same judgement of it are replaced.

    Args:
        lake: where the history is kept.
        model: whose history it is.
        stage: `drift_report` or `performance_report`.
        row: `window`, `window_start` and `window_end` (None where there is no event time), `alarm`, and figures; a
            figure that could not be had is NaN, so that its column is always a number. A window that late labels
            opened again has a `judgement` from 2 on, and both are kept.
    """
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    kinds = {name: moment if name in MOMENTS else ARROW[type(value)] for name, value in row.items()}
    columns = {name: pa.array([value], kinds[name]) for name, value in row.items()}
    number = row.get("judgement", 1)
    batch = row["window"] if number == 1 else f"{row['window']}{AGAIN}{number}"
    return lake.write(keys.table(model, stage), pa.table(columns), batch=batch)


def timeline(lake: "Lake", model: str, stage: str) -> list[dict[str, Any]]:
    """Every judgement of every window, the oldest window first."""
    table = keys.table(model, stage)
    if not lake.exists(table):
        return []
    rows: list[dict[str, Any]] = lake.read(table).to_pylist()
    return sorted(rows, key=_place)


def latest(rows: Iterable[Row]) -> list[Row]:
    """The latest judgement of each window, in the order of the rows."""
    return list({row["window"]: row for row in rows}.values())


def before(lake: "Lake", model: str, stage: str, row: Row) -> list[dict[str, Any]]:
    """The latest judgement of each window that came before this one, the oldest first."""
    rows = latest(timeline(lake, model, stage))
    return [dict(other) for other in rows if _place(other)[:2] < _place(row)[:2]]


def newest(lake: "Lake", model: str, stage: str) -> dict[str, Any] | None:
    """The figures of the newest window; None while there is none."""
    rows = timeline(lake, model, stage)
    return rows[-1] if rows else None


def _place(row: Row) -> tuple[datetime, str, int]:
    return row["window_end"] or EVER, row["window"], int(row.get("judgement") or 1)
