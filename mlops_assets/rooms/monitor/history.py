"""What every window showed, a row each: it outlives checks and reports, and it is what a decision to retrain reads."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops_assets import keys

if TYPE_CHECKING:
    from mlops_assets.stores.lake import Lake, TableVersion

ARROW = {str: "string", int: "int64", float: "float64", bool: "bool"}
MOMENTS = ("window_start", "window_end", "label_cutoff")
EVER = datetime.min.replace(tzinfo=UTC)

Row = Mapping[str, Any]


def record(lake: "Lake", model: str, stage: str, row: Row) -> "TableVersion":
    """Keep the figures of one window; the same window's are replaced.

    Args:
        lake: where the history is kept.
        model: whose history it is.
        stage: `drift_report` or `performance_report`.
        row: `window`, `window_start` and `window_end` (None where there is no event time), `alarm`, and figures; a
            figure that could not be had is NaN, so that its column is always a number.
    """
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    kinds = {name: moment if name in MOMENTS else ARROW[type(value)] for name, value in row.items()}
    columns = {name: pa.array([value], kinds[name]) for name, value in row.items()}
    return lake.write(keys.table(model, stage), pa.table(columns), batch=row["window"])


def timeline(lake: "Lake", model: str, stage: str) -> list[dict[str, Any]]:
    """Every window's figures, the oldest first."""
    table = keys.table(model, stage)
    if not lake.exists(table):
        return []
    rows: list[dict[str, Any]] = lake.read(table).to_pylist()
    return sorted(rows, key=_place)


def before(lake: "Lake", model: str, stage: str, row: Row) -> list[dict[str, Any]]:
    """The windows that came before this one, the oldest first."""
    return [other for other in timeline(lake, model, stage) if _place(other) < _place(row)]


def newest(lake: "Lake", model: str, stage: str) -> dict[str, Any] | None:
    """The figures of the newest window; None while there is none."""
    rows = timeline(lake, model, stage)
    return rows[-1] if rows else None


def _place(row: Row) -> tuple[datetime, str]:
    return row["window_end"] or EVER, row["window"]
