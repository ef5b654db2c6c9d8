"""A user's function of Ibis expressions, as SQL over one row: what it may see is what is known at the event time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.feature_table import Function
from mlops_assets.spec.place import Place
from mlops_assets.stores.sql import identifiers

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_ROWS = "rows"


def expressions(
    connection: "DuckDBPyConnection",
    function: Function,
    place: Place,
    *,
    relation: str,
    early: Sequence[str],
    what: str,
) -> dict[str, str]:
    """Feature to SQL over the columns of a relation that are known at the event time.

    Args:
        connection: where the relation can be seen.
        function: the declaration.
        place: where the function is looked for.
        relation: SQL after FROM.
        early: the columns that the function sees; there are no others for it.
        what: whose function it is, for the error.

    Raises:
        SpecError: there is no such function, it fails, it sees other rows, or it returns other features.
    """
    schema = connection.execute(f"select {identifiers(early)} from {relation} limit 0").to_arrow_table().schema
    what = f"function '{function.function}' of {what}"
    return written(place.load(function.function), schema, function.columns, what=what)


def written(function: Any, schema: "pa.Schema", names: Sequence[str], *, what: str) -> dict[str, str]:
    """Call the function with a table of that schema, and write down each feature as SQL over one row.

    Raises:
        SpecError: as for `expressions`.
    """
    import ibis

    rows = ibis.table(ibis.Schema.from_pyarrow(schema), name=_ROWS)
    try:
        given = function(rows)
        found = rows.select(**given) if isinstance(given, Mapping) else given
        missing = [name for name in names if name not in found.columns]
        query = None if missing else ibis.to_sql(found.select(*names), dialect="duckdb")
    except Exception as error:  # whatever a user's function raises, its declaration is named
        step = "use only columns that are known at the event time"
        raise SpecError.of(f"{what} fails: {error}", allowed=", ".join(schema.names), step=step) from error
    if query is None:
        raise UnknownName.among(
            "feature", missing[0], found.columns, where=what, step="return it, or do not declare it"
        )
    return _projections(str(query), what)


def _projections(query: str, what: str) -> dict[str, str]:
    import sqlglot
    from sqlglot import expressions as sg

    select = sqlglot.parse_one(query, dialect="duckdb")
    beyond = (sg.Window, sg.AggFunc, sg.Subquery, sg.Join, sg.Where, sg.Group)
    if not isinstance(select, sg.Select) or select.find(*beyond) or _source(select) != _ROWS:
        step = "give each feature as an expression of its own row; windows are declared as aggregations"
        raise SpecError.of(f"{what} sees other rows", got=" ".join(query.split()), step=step)
    for column in select.find_all(sg.Column):
        column.set("table", None)
    return {each.alias_or_name: each.unalias().sql(dialect="duckdb") for each in select.expressions}


def _source(select: Any) -> str:
    from sqlglot import expressions as sg

    tables = list(select.find_all(sg.Table))
    return tables[0].name if len(tables) == 1 else ""
