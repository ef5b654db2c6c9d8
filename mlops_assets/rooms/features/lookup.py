"""Features of a request, online: made of its own columns, and looked up by the entities that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from mlops_assets import keys
from mlops_assets.errors import StoreError
from mlops_assets.rooms.features.marks import Mark
from mlops_assets.rooms.features.plain import plain
from mlops_assets.rooms.features.recipe import Looking, Recipe
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.online import OnlineStore
from mlops_assets.stores.online_rows import OnlineRow
from mlops_assets.stores.sql import identifier

if TYPE_CHECKING:
    import pyarrow as pa

Request = Mapping[str, Any]


@dataclass(frozen=True)
class Looked:
    """The features of one request.

    Attributes:
        values: every feature of the table, in its order; None where nothing is known.
        ages: looked-up feature to the age of its value; None where it has none.
        stale: features whose value is older than the table's `online.max_age`.
    """

    values: dict[str, Any]
    ages: dict[str, timedelta | None] = field(default_factory=dict)
    stale: tuple[str, ...] = ()


class Lookup:
    """The online way to a feature table's values; one for many requests.

    A request holds columns of the described dataset that are known at the event time. Those that features are made
    of, and those that name an entity, must be there (`needs`).
    """

    def __init__(self, store: OnlineStore, recipe: Recipe, *, rows: bool = False) -> None:
        """Remember where to look, and how.

        Args:
            store: the online store.
            recipe: of the feature table.
            rows: whether the table keeps the newest row of each key too.
        """
        self.store, self.recipe = store, recipe
        self.needs = recipe.needs
        self._rows = rows
        self._schema = {name: recipe.schema.field(name).type for name in recipe.schema.names}
        self._plain = plain(recipe)

    @classmethod
    def of(cls, lake: Lake, store: OnlineStore, plan: FeaturePlan) -> Self:
        """With the described dataset's columns as the lake has them.

        Raises:
            SpecError: a feature cannot be computed.
        """
        schema = lake.read(keys.table(plan.table.dataset, "clean"), batches=[]).schema
        return cls(store, Recipe.of(plan, schema), rows=plan.table.online.rows)

    def of_requests(self, requests: Sequence[Request], *, now: datetime | None = None) -> list[Looked]:
        """The features of each request, from its own columns and the entities that it names.

        Args:
            requests: column to value each; further columns are ignored.
            now: the moment from which ages are told; default: by the table's clock.

        Raises:
            StoreError: a request lacks a column that it needs, or holds what cannot be read as the column's type.
        """
        now = now or self.now()
        rows = self._table(requests)
        given = self._computed(rows)
        linked = rows.select(list(dict.fromkeys(name for view in self.recipe.looking for name in view.by))).to_pylist()
        found = [self._viewed(view, linked, now) for view in self.recipe.looking]
        return [self._looked(given[i], [each[i] for each in found]) for i in range(len(requests))]

    def now(self) -> datetime:
        """The moment from which ages are told, by the table's clock."""
        views = [view.name for view in self.recipe.looking]
        return clock(self.store, self.recipe.clock, [keys.table(self.recipe.table, "online"), *views])

    def of_key(self, key: Sequence[Any], *, now: datetime | None = None) -> Looked | None:
        """The newest row of a key, when the table keeps rows online; None when there is none.

        Raises:
            StoreError: the table keeps none.
        """
        table = self.recipe.table
        if not self._rows:
            step = "declare online: {rows: true}, or ask with the request's columns"
            raise StoreError.of(f"feature table '{table}' keeps no rows online", step=step)
        row = self.store.get(keys.table(table, "online"), key)
        if row is None:
            return None
        age = _age(row.event_time, now or self.now())
        names = self.recipe.features
        ages: dict[str, timedelta | None] = dict.fromkeys(names, age)
        return Looked({name: row.values.get(name) for name in names}, ages, self._stale(ages))

    def read(self, texts: Mapping[str, str]) -> Request:
        """A request from texts, such as a command line's; an empty text is null.

        Raises:
            StoreError: a text cannot be read as its column's type.
        """
        import pyarrow as pa

        read: dict[str, Any] = {}
        for name, text in texts.items():
            kind = self._schema.get(name, pa.string())
            try:
                read[name] = pa.array([text or None], pa.string()).cast(kind)[0].as_py()
            except pa.ArrowInvalid as problem:
                raise StoreError.of(f"column '{name}' cannot be read", got=text, allowed=str(kind)) from problem
        return read

    def _table(self, requests: Sequence[Request]) -> "pa.Table":
        import pyarrow as pa

        lacking = sorted({name for request in requests for name in self.needs if name not in request})
        if lacking:
            what = f"requests for '{self.recipe.table}' lack columns"
            raise StoreError.of(what, got=", ".join(lacking), allowed=", ".join(self.needs))
        schema = pa.schema([(name, self._schema[name]) for name in self.needs])
        try:
            return pa.Table.from_pylist([{name: request[name] for name in self.needs} for request in requests], schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as problem:
            what = f"requests for '{self.recipe.table}' cannot be read: {problem}"
            raise StoreError.of(what, allowed=str(schema)) from problem

    def _computed(self, rows: "pa.Table") -> list[dict[str, Any]]:
        """Features made of the request's own columns: DuckDB is asked only where one is more than a column."""
        made = {name: rows[column].cast(kind, safe=False).to_pylist() for name, (column, kind) in self._plain.items()}
        computed = self._queried(rows) if len(made) < len(self.recipe.own) else [{}] * rows.num_rows
        if not made:
            return computed
        rest = (dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True))
        return [{**one, **two} for one, two in zip(rest, computed, strict=True)]

    def _queried(self, rows: "pa.Table") -> list[dict[str, Any]]:
        import duckdb

        rest = {name: text for name, text in self.recipe.own.items() if name not in self._plain}
        values = ", ".join(f"{text} as {identifier(name)}" for name, text in rest.items())
        with sql.session() as connection:
            connection.register("requests", rows)
            try:
                made = connection.execute(f"select {values} from requests").to_arrow_table()
            except duckdb.Error as problem:
                what = f"requests for '{self.recipe.table}' cannot be computed with: {problem}"
                raise StoreError.of(what, step="correct the columns") from problem
        found: list[dict[str, Any]] = made.to_pylist()
        return found

    def _viewed(self, view: Looking, linked: list[dict[str, Any]], now: datetime) -> list[Looked]:
        """A view's part of each request; an entity that many requests name is looked up once."""
        asked = [tuple(link[name] for name in view.by) for link in linked]
        distinct = list(dict.fromkeys(entity for entity in asked if None not in entity))
        found = dict(zip(distinct, self.store.get_many(view.name, distinct), strict=True))
        mark = None if view.joined else Mark.read(self.store.mark(view.name))
        read = {entity: self._read(view, row, mark.as_of if mark else None, now) for entity, row in found.items()}
        nothing = self._read(view, None, None, now)
        return [read.get(entity, nothing) for entity in asked]

    def _read(self, view: Looking, row: OnlineRow | None, as_of: datetime | None, now: datetime) -> Looked:
        """What of a row still counts: a joined value up to its ttl, a statistic as long as its window reaches back."""
        age = _age(as_of or (row.event_time if row else None), now)
        values = dict(view.empty)
        for name, limit in view.limits.items():
            if row is not None and _counts(age, limit, joined=view.joined):
                values[name] = row.values.get(name)
        return Looked(values, dict.fromkeys(view.limits, age))

    def _looked(self, given: Mapping[str, Any], parts: Sequence[Looked]) -> Looked:
        values, ages = dict(given), dict[str, timedelta | None]()
        for part in parts:
            values |= part.values
            ages |= part.ages
        names = self.recipe.features
        return Looked({name: values[name] for name in names}, ages, self._stale(ages))

    def _stale(self, ages: Mapping[str, timedelta | None]) -> tuple[str, ...]:
        limit = self.recipe.max_age
        known = ((name, age) for name, age in ages.items() if age is not None)
        return () if limit is None else tuple(name for name, age in known if age.total_seconds() > limit)


def recipes(lake: Lake, plan: ModelPlan) -> list[Recipe]:
    """Of a model's feature tables that keep no rows online: a service looks them up by what a request holds."""
    clean = keys.table(plan.dataset.name, "clean")
    parts = [part for part in plan.tables if not part.table.online.rows]
    return [Recipe.of(part, lake.read(clean, batches=[]).schema) for part in parts]


def clock(store: OnlineStore, told: str, tables: Sequence[str]) -> datetime:
    """Now: by the wall, or by the newest moment as of which any of these online tables stands, where there is one."""
    marks = (Mark.read(store.mark(table)) for table in (tables if told == "data" else ()))
    known = [mark.as_of for mark in marks if mark is not None and mark.as_of is not None]
    return max(known, default=datetime.now(UTC))


def of_row(names: Sequence[str], row: OnlineRow, now: datetime) -> Looked:
    """The newest row of a key, with its age."""
    age = _age(row.event_time, now)
    return Looked({name: row.values.get(name) for name in names}, dict.fromkeys(names, age))


def _age(moment: datetime | None, now: datetime) -> timedelta | None:
    return None if moment is None else max(now - moment, timedelta(0))


def _counts(age: timedelta | None, limit: float | None, *, joined: bool) -> bool:
    if limit is None:
        return True
    return age is not None and (age.total_seconds() <= limit if joined else age.total_seconds() < limit)
