"""All that a look-up needs of a feature table, as data: a serving bundle carries it to where no declaration is."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from mlops_assets.rooms.features import windows
from mlops_assets.rooms.features.binding import bind, early
from mlops_assets.rooms.features.compile import own
from mlops_assets.rooms.features.relations import Relations
from mlops_assets.rooms.features.views import View, views
from mlops_assets.spec.feature_table import FeatureTable, Join, window_name
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.expression import columns_named

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Looking:
    """How a view is read.

    Attributes:
        name: of the table in the online store.
        by: the entity's columns.
        joined: whether its values have times of their own; else all were taken as of the view's mark.
        limits: feature to the age in seconds from which it is no value; None: it never expires.
        empty: feature to its value where nothing counts.
    """

    name: str
    by: tuple[str, ...]
    joined: bool
    limits: Mapping[str, float | None]
    empty: Mapping[str, float | None]


@dataclass(frozen=True)
class Recipe:
    """How the features of a request are made.

    Attributes:
        table: the feature table's name.
        features: their names, in its order.
        own: feature to SQL over the request's columns.
        needs: the columns that a request must have.
        schema: column to its type, of all that a request may have.
        looking: the views.
        max_age: from which a value is stale, in seconds.
        clock: by which ages are told: `wall`, or the `data`'s own.
    """

    table: str
    features: tuple[str, ...]
    own: Mapping[str, str]
    needs: tuple[str, ...]
    schema: "pa.Schema"
    looking: tuple[Looking, ...]
    max_age: float | None
    clock: str = "wall"

    @classmethod
    def of(cls, plan: FeaturePlan, schema: "pa.Schema") -> Self:
        """Check the expressions once.

        Args:
            plan: the feature table and its datasets.
            schema: of the described dataset's clean table; requests are cast to it.

        Raises:
            SpecError: a feature cannot be computed.
        """
        import pyarrow as pa

        table = plan.table
        known = pa.schema([schema.field(name) for name in early(plan.dataset, schema.names)]).remove_metadata()
        made, looked = _bound(plan, known), views(table)
        with sql.session() as connection:
            named = [name for text in made.values() for name in columns_named(connection, text, known.names)]
        needs = tuple(dict.fromkeys([*named, *(name for view in looked for name in view.by)]))
        looking = tuple(_looking(table, view) for view in looked)
        limit = table.online.max_age
        seconds = limit.total_seconds() if limit is not None else None
        names, told = tuple(table.feature_names()), table.online.clock
        return cls(table.name, names, made, needs, known, looking, seconds, told)

    def body(self) -> dict[str, Any]:
        """As JSON holds it."""
        body = {name: value for name, value in vars(self).items() if name not in ("schema", "looking")}
        schema = b64encode(self.schema.serialize().to_pybytes()).decode()
        return {**body, "schema": schema, "looking": [asdict(each) for each in self.looking]}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """From what `body` gave."""
        import pyarrow as pa

        schema = pa.ipc.read_schema(pa.py_buffer(b64decode(body["schema"])))
        looking = tuple(Looking(**{**each, "by": tuple(each["by"])}) for each in body["looking"])
        lists = {name: tuple(body[name]) for name in ("features", "needs")}
        return cls(**{**body, **lists, "schema": schema, "looking": looking})


def _bound(plan: FeaturePlan, schema: "pa.Schema") -> dict[str, str]:
    alone = plan.table.model_copy(update={"joins": (), "aggregations": (), "ttl": {}})
    with sql.session() as connection:
        connection.register("requests", schema.empty_table())
        expressions = bind(connection, FeaturePlan(alone, plan.datasets, plan.place), Relations("requests"))
    return {name: expressions.expressions[name] for name in own(plan.table)}


def _looking(table: FeatureTable, view: View) -> Looking:
    if isinstance(view.part, Join):
        limits = {name: _seconds(table.age_limit(view.part, name)) for name in view.features}
        return Looking(view.name, view.by, joined=True, limits=limits, empty=dict.fromkeys(view.features))
    pairs = [(window_name(each, over), each, over) for each in view.part.aggregations for over in each.over]
    spans = {name: over.total_seconds() for name, _, over in pairs}
    empty = {name: windows.empty(each) for name, each, _ in pairs}
    return Looking(view.name, view.by, joined=False, limits=spans, empty=empty)


def _seconds(limit: timedelta | None) -> float | None:
    return None if limit is None else limit.total_seconds()
