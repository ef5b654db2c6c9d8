"""A table of the lake in a notebook, as whatever the notebook works with."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, assert_never

from mlops_assets.errors import NotFound, UnknownName
from mlops_assets.settings import Settings

if TYPE_CHECKING:
    from mlops_assets.stores.lake import Lake

Form = Literal["pandas", "polars", "arrow", "duckdb"]
FORMS: tuple[Form, ...] = ("pandas", "polars", "arrow", "duckdb")


def read(table: str, version: int | None = None, as_: Form = "pandas", *, lake: "Lake | None" = None) -> Any:
    """Read a version of a table.

    Args:
        table: such as `flights/clean`, or `flights` for short.
        version: number; default: the newest.
        as_: what to get it as: a pandas or polars frame, an Arrow table, or a DuckDB relation.
        lake: where from; default: the one of `MLOPS_HOME`.

    Raises:
        UnknownName: there is no such table, or no such form.
        NotFound: there is no such version, or its retention has let it go.
    """
    from mlops_assets.stores.delta import DeltaLake

    opened = lake or DeltaLake(Settings.from_env().lake)
    if as_ not in FORMS:
        raise UnknownName.among("form", as_, FORMS)
    if isinstance(version, bool) or not (version is None or hasattr(version, "__index__")):
        raise NotFound.of("a version is a number", got=repr(version), step="see `mlops versions`")
    table = table if "/" in table else f"{table}/clean"
    if not opened.exists(table):
        raise UnknownName.among(
            "table", table, opened.tables(), step="see what is in the lake, or materialize it first"
        )
    match as_:
        case "arrow":
            return opened.read(table, version=version)
        case "pandas":
            return opened.read(table, version=version).to_pandas()
        case "polars":
            return import_module("polars").from_arrow(opened.read(table, version=version))
        case "duckdb":
            return _relation(opened, table, version)
        case _:
            assert_never(as_)


def _relation(lake: "Lake", table: str, version: int | None) -> Any:
    """A relation in a database of its own, which reads of the files what a query needs."""
    from mlops_assets.stores import sql
    from mlops_assets.stores.lake import BATCH

    return sql.connect().sql(f"SELECT * EXCLUDE ({BATCH}) FROM {lake.scan(table, version=version)}")
