"""Windows of so many answers, or of a stretch of time: each answer is in one of them, and in no other, for good.

What is in which window is a table, written before the window is judged: a judgement that was interrupted is made up
for, and an answer that comes late is in the window that is open when it comes.

Only answers to batches are cut: what was answered online has no features in the lake and no batch of its own, may be
told by several versions at once, and is timed by the clock on the wall. Skew, usage and shadow look at that.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.monitor import history, window
from mlops_assets.spec.base import duration_text
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.locking import locked
from mlops_assets.stores.predictions import ID, ONLINE, PredictionLog

if TYPE_CHECKING:
    import pyarrow as pa

ANCHOR: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, from which stretches are counted: a window of 7d is a week."""

Cut = tuple[str, "pa.Table"]
"""A window's name, and its answers."""


def cut(lake: Lake, plan: ModelPlan, *, lock: Path) -> int:
    """Cut every window that is complete; how many answers wait for theirs.

    Args:
        lake: with the answers.
        plan: of the model.
        lock: a file, so that of two runs only one cuts at a time.
    """
    with locked(lock):
        waiting, newest = _waiting(lake, plan)
        for name, rows in _complete(lake, plan, waiting, newest):
            lake.write(keys.windows_table(plan.name), rows.select([ID, window.BATCH]), batch=name)
    return int(_waiting(lake, plan)[0].num_rows)


def unjudged(lake: Lake, plan: ModelPlan, stage: str) -> list[str]:
    """The windows that were cut and are not in the history of a report, in the order of their names.

    One of which no answer is left, because all its batches were answered anew without them, is over.
    """
    if not _cut_already(lake, plan):
        return []
    given, known = _given(lake, plan), lake.scan(keys.windows_table(plan.name))
    query = f"select distinct _batch from {known} where {ID} in (select {ID} from {given}) order by 1"
    judged = {row["window"] for row in history.timeline(lake, plan.name, stage)}
    with sql.session() as connection:
        return [name for (name,) in connection.execute(query).fetchall() if name not in judged]


def answers(lake: Lake, log: PredictionLog, plan: ModelPlan, name: str) -> "pa.Table":
    """The answers of a window, oldest first; a window that was never cut is a batch.

    Raises:
        NotFound: none of them is left.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_cut(lake, plan, name):
        return window.answers(log, plan, name)
    kept = lake.read(keys.windows_table(plan.name), batches=[name])
    parts = []
    for batch in batches_of(lake, plan, name):
        rows = window.of_batch(log, plan, batch)
        parts.append(rows.filter(pc.is_in(rows[ID], value_set=kept[ID].combine_chunks())))
    found = pa.concat_tables(parts, promote_options="default")
    if not found.num_rows:
        step = "materialize predictions for its batches again"
        raise NotFound.of(f"of the answers of '{plan.name}' in window '{name}' none is left", step=step)
    return window.in_order(found)


def is_cut(lake: Lake, plan: ModelPlan, name: str) -> bool:
    """Whether a window was cut; one that was not is a batch."""
    return name in _cut_already(lake, plan)


def batches_of(lake: Lake, plan: ModelPlan, name: str) -> list[str]:
    """The batches in which the answers of a window were given."""
    if not is_cut(lake, plan, name):
        return [name]
    cut_into = lake.scan(keys.windows_table(plan.name), batches=[name])
    query = f"select distinct {window.BATCH} from {cut_into} where {window.BATCH} <> '{ONLINE}' order by 1"
    with sql.session() as connection:
        return [batch for (batch,) in connection.execute(query).fetchall()]


def _cut_already(lake: Lake, plan: ModelPlan) -> list[str]:
    return sorted(lake.batches(keys.windows_table(plan.name))) if lake.exists(keys.windows_table(plan.name)) else []


def _given(lake: Lake, plan: ModelPlan) -> str:
    """The answers to batches, as a relation."""
    return f"(select * from {lake.scan(keys.table(plan.name, 'predictions'))} where _batch <> '{ONLINE}')"


def _waiting(lake: Lake, plan: ModelPlan) -> "tuple[pa.Table, int]":
    """The answers that are in no window, oldest first, and the version that gave the newest of all."""
    given = _given(lake, plan)
    batches = [row["window"] for row in history.timeline(lake, plan.name, "drift_report")]
    known = lake.scan(keys.windows_table(plan.name)) if _cut_already(lake, plan) else ""
    cut_before = f"and {ID} not in (select {ID} from {known})" if known else ""
    query = f"""select {ID}, event_time, model_version, _batch as {window.BATCH} from {given}
        where not list_contains($1, _batch) {cut_before} order by event_time, {ID}"""
    with sql.session() as connection:
        last = "coalesce(arg_max(model_version, event_time), max(model_version))"
        newest = connection.execute(f"select {last} from {given}").fetchone()
        found = connection.execute(query, [batches]).to_arrow_table()
    return found, int(newest[0]) if newest and newest[0] is not None else 0


def _complete(lake: Lake, plan: ModelPlan, waiting: "pa.Table", newest: int) -> Iterator[Cut]:
    """A version's last window is complete, however short, as soon as another version answers."""
    import pyarrow.compute as pc

    declared, before = plan.model.monitor.window, _cut_already(lake, plan)
    now = clock(lake, plan.dataset)
    for version in sorted(waiting["model_version"].unique().to_pylist()):
        rows = waiting.filter(pc.equal(waiting["model_version"], version))
        over = version != newest
        if declared.rows is not None:
            yield from _by_rows(rows, declared.rows, f"v{version}_{declared.rows}_rows_", before, over=over)
        elif declared.every is not None and now is not None:
            yield from _by_time(rows, declared.every, f"v{version}_", before, now, over=over)


def _by_rows(rows: "pa.Table", size: int, prefix: str, before: list[str], *, over: bool) -> Iterator[Cut]:
    number = sum(name.startswith(prefix) for name in before)
    for start in range(0, rows.num_rows, size):
        part = rows.slice(start, size)
        if part.num_rows == size or over:
            number += 1
            yield f"{prefix}{number:06d}", part


def _by_time(
    rows: "pa.Table", every: timedelta, prefix: str, before: list[str], now: datetime, *, over: bool
) -> Iterator[Cut]:
    """A stretch that was cut already is closed: what comes late for it is in the next one."""
    import numpy as np
    import pyarrow as pa

    closed = max((name for name in before if name.startswith(prefix) and name.endswith(_suffix(every))), default="")
    times = rows["event_time"].to_numpy().astype("datetime64[us]")
    places = (times - np.datetime64(ANCHOR.replace(tzinfo=None), "us")) // np.timedelta64(every)
    if closed:
        places = np.maximum(places, _place(closed, prefix, every) + 1)
    for place in np.unique(places).tolist():
        start = ANCHOR + place * every
        if start + every <= now or over:
            yield f"{prefix}{start:%Y-%m-%dT%H%M}{_suffix(every)}", rows.filter(pa.array(places == place))


def _suffix(every: timedelta) -> str:
    return f"_{duration_text(every)}"


def _place(name: str, prefix: str, every: timedelta) -> int:
    start = datetime.fromisoformat(f"{name.removeprefix(prefix).removesuffix(_suffix(every))}+00:00")
    return (start - ANCHOR) // every
