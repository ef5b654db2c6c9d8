"""What a Delta table's log tells of its files, so that those without a wanted row are never opened."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from mlops_assets.stores.lake import BATCH, Reach

if TYPE_CHECKING:
    from deltalake import DeltaTable

Action = Mapping[str, Any]
MILLISECOND: Final = timedelta(milliseconds=1)
"""Statistics of moments are cut to it, the greatest among them too."""
TRUNCATED: Final = 32
"""Statistics of texts are cut somewhere from this length on."""


def actions(held: "DeltaTable", columns: Sequence[str]) -> list[Action]:
    """The table's files: path, rows, and the bounds and nulls of the columns."""
    import pyarrow as pa

    found = pa.table(held.get_add_actions(flatten=True))
    told = [f"{kind}.{column}" for column in columns for kind in ("min", "max", "null_count")]
    kept = [name for name in ("path", "num_records", *told) if name in found.column_names]
    listed: list[Action] = found.select(kept).to_pylist()
    return listed


def may_hold(action: Action, batches: Sequence[str] | None, reach: Reach | None) -> bool:
    """Whether a file can hold a row of these batches within this reach; one without statistics always can."""
    if batches is not None:
        if not batches:
            return False
        least, most = _bounds(action, BATCH)
        if least is not None and not any(least <= batch <= most for batch in batches):
            return False
    if reach is None:
        return True
    if _only_nulls(action, reach.column):
        return False
    least, most = _bounds(action, reach.column)
    if least is None:
        return True
    too_early = reach.least is not None and _utc(most) + MILLISECOND < _utc(reach.least)
    too_late = reach.most is not None and _utc(least) > _utc(reach.most)
    return not (too_early or too_late)


def after(held: "DeltaTable", column: str) -> datetime | Literal["no moment", "untold"]:
    """The first whole millisecond after every moment in a column, as far as statistics tell."""
    newest: datetime | None = None
    for action in actions(held, [column]):
        _, most = _bounds(action, column)
        if most is not None:
            newest = max(newest, _utc(most)) if newest else _utc(most)
        elif not _only_nulls(action, column) and action.get("num_records") != 0:
            return "untold"
    return newest + MILLISECOND if newest else "no moment"


def whole(moment: datetime) -> datetime:
    """The first whole millisecond after a moment."""
    moment = _utc(moment)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) + MILLISECOND


def one_batch_each(found: Sequence[Action]) -> list[str] | None:
    """The batches of the files, sorted, when each file holds one that its statistics name; None otherwise."""
    names = set()
    for action in found:
        least, most = _bounds(action, BATCH)
        if least is None or least != most or len(least) >= TRUNCATED or not action.get("num_records"):
            return None
        names.add(str(least))
    return sorted(names)


def _bounds(action: Action, column: str) -> tuple[Any, Any]:
    least, most = action.get(f"min.{column}"), action.get(f"max.{column}")
    return (least, most) if least is not None and most is not None else (None, None)


def _only_nulls(action: Action, column: str) -> bool:
    nulls = action.get(f"null_count.{column}")
    return nulls is not None and nulls == action.get("num_records")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
