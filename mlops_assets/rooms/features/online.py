"""The online views follow the lake: after each materialization, the entities that it touched are taken anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import Conflict
from mlops_assets.rooms.features.compile import Compiled, compile_features
from mlops_assets.rooms.features.history import longest
from mlops_assets.rooms.features.marks import Changes, Mark
from mlops_assets.rooms.features.relations import Relations, instant, known_at, known_column, moment
from mlops_assets.rooms.features.views import TIME, View, digest, sql, views
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql as databases
from mlops_assets.stores.lake import Lake, Reach
from mlops_assets.stores.online import OnlineStore
from mlops_assets.stores.sql import identifiers

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ATTEMPTS = 5


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        as_of: the moment as of which the views stand.
        rows: view to the number of entities taken anew.
    """

    as_of: datetime | None
    rows: Mapping[str, int] = field(default_factory=dict)


def as_of(lake: Lake, plan: FeaturePlan) -> datetime | None:
    """The moment from which everything in the lake that the features come from is known; None without any time."""
    columns = [
        (keys.key(name, "clean"), c) for name, d in plan.datasets.items() for c in (d.event_time, known_column(d))
    ]
    columns += [(keys.key(name, "offline"), dataset.event_time) for name, dataset in plan.tables.items()]
    moments = [lake.after("/".join(key), column) for key, column in dict.fromkeys(columns) if column]
    return max((found for found in moments if found), default=None)


def refresh(lake: Lake, store: OnlineStore, plan: FeaturePlan) -> Refreshed:
    """Bring each view up to the newest versions of the tables that it comes from.

    Raises:
        Conflict: others refreshed the view meanwhile, and again after the retries.
        NotFound: a dataset has no clean table yet.
        SpecError: a feature cannot be computed.
    """
    now = as_of(lake, plan)
    with databases.session() as connection:
        compiled = compile_features(connection, plan, empty(lake, plan))
        refreshing = Refreshing(connection, lake, store, compiled, now)
        return Refreshed(now, {view.name: _refreshed(refreshing, view) for view in views(plan.table)})


def stand(lake: Lake, store: OnlineStore, plan: FeaturePlan) -> None:
    """Mark how far the newest rows of the keys go, as a view's mark does: the clock of a table that has no view.

    Raises:
        Conflict: others marked it meanwhile, and again after the retries.
    """
    name, offline = (keys.table(plan.table.name, stage) for stage in ("online", "offline"))
    none = lake.read(offline, batches=[])
    for attempt in range(ATTEMPTS):
        before, mark = store.mark(name), Mark(as_of(lake, plan), lake.version(offline), "")
        try:
            store.refresh(name, plan.dataset.key, none, time_column="event_time", before=before, mark=mark.text())
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


@dataclass(frozen=True)
class Refreshing:
    """A refresh that is under way.

    Attributes:
        connection: where the rows are computed.
        lake: what they come from.
        store: where they go.
        compiled: the feature table.
        now: the moment as of which statistics are taken.
    """

    connection: "DuckDBPyConnection"
    lake: Lake
    store: OnlineStore
    compiled: Compiled
    now: datetime | None

    @property
    def plan(self) -> FeaturePlan:
        """The feature table and its datasets."""
        return self.compiled.plan


def _refreshed(refreshing: Refreshing, view: View) -> int:
    for attempt in range(ATTEMPTS):
        try:
            return _refresh_once(refreshing, view)
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
    return 0


def _refresh_once(refreshing: Refreshing, view: View) -> int:
    lake, now, plan, store = refreshing.lake, refreshing.now, refreshing.plan, refreshing.store
    before, stored = store.mark(view.name), "/".join(view.source)
    mark, last = Mark(now, lake.version(stored), digest(view, plan, refreshing.compiled)), Mark.read(before)
    if last == mark or (last and isinstance(view.part, Join) and _same(last, mark)):
        return 0
    known = last if last and last.digest == mark.digest else None
    changes = Changes.after(lake, stored, known.version) if known else None
    if isinstance(view.part, Join):
        links, rows = _joined(refreshing, plan.joined(view.part), view, changes)
    else:
        moments = [each.as_of for each in (known, mark) if each and each.as_of]
        links, rows = _counted(refreshing, view, changes, moments)
    query = sql(view, refreshing.compiled, links=links, rows=rows, at=instant(now) if now else "null::timestamptz")
    found = refreshing.connection.execute(query).to_arrow_table()
    return store.refresh(
        view.name, view.by, found, time_column=TIME, before=before, mark=mark.text(), whole=changes is None
    )


def _same(last: Mark, mark: Mark) -> bool:
    """Whether the newest joined rows are those of the last refresh."""
    return (last.version, last.digest) == (mark.version, mark.digest)


def _joined(refreshing: Refreshing, dataset: Dataset, view: View, changes: Changes | None) -> tuple[str, str]:
    """Relations of the entities to take anew, and of all the rows that decide about them."""
    stored, lake = "/".join(view.source), refreshing.lake
    if changes is None:
        rows = lake.scan(stored)
        return rows, rows
    links = _links(lake, stored, view, changes)
    if dataset.event_time is None or changes.replaced:
        return links, lake.scan(stored)
    fresh = lake.scan(stored, batches=changes.batches)
    oldest = refreshing.connection.execute(f"select min({moment(dataset)}) from {fresh}").fetchall()[0][0]
    return links, lake.scan(stored, reach=Reach(dataset.event_time, least=oldest))


def _counted(
    refreshing: Refreshing, view: View, changes: Changes | None, moments: Sequence[datetime]
) -> tuple[str, str]:
    """The same for a statistic: whose rows came into its windows since the last refresh, or left them."""
    plan, lake, stored = refreshing.plan, refreshing.lake, "/".join(view.source)
    dataset = plan.datasets[view.source[0]]
    column, back = known_column(dataset), longest(plan, view.source[0])
    if not moments or column is None:
        rows = lake.scan(stored, batches=[])
        return rows, rows
    least, most = min(moments) - back, max(moments)
    known = known_at(dataset)
    refreshing.connection.execute(
        f"create or replace temp table counted as select * from {lake.scan(stored, reach=Reach(column, least, most))} "
        f"where {known} >= $1 and {known} < $2",
        [least, most],
    )
    links = f"(select {identifiers(view.by)} from counted"
    if changes and changes.replaced:
        links += f" union all select {identifiers(view.by)} from {_links(lake, stored, view, changes)}"
    return f"{links})", "counted"


def _links(lake: Lake, stored: str, view: View, changes: Changes) -> str:
    """The entities in the rows of changed batches, as they are now and as they were."""
    asked = identifiers(view.by)
    now = f"select {asked} from {lake.scan(stored, batches=changes.batches)}"
    if not changes.replaced:
        return f"({now})"
    then = lake.scan(stored, version=changes.since, batches=changes.replaced)
    return f"({now} union all select {asked} from {then})"


def empty(lake: Lake, plan: FeaturePlan) -> Relations:
    """Relations with the columns of the real ones and no rows, to check expressions against."""

    def scan(key: keys.Key) -> str:
        return lake.scan("/".join(key), batches=[])

    counted = dict.fromkeys(plan.table.counted(each) for each in plan.table.aggregations)
    return Relations(
        scan(keys.key(plan.table.dataset, "clean")),
        {name: scan(keys.key(name, "clean")) for name in counted},
        tuple(scan(join.source) for join in plan.table.joins),
    )
