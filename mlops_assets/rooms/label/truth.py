"""Ground truth: each row's label, when it is known, or the reason why there is none."""

from datetime import timedelta
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import SpecError
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.model import Target
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.expression import column_type, columns, is_number, known
from mlops_assets.stores.labels import LABELLED
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

NO_OUTCOME = "no_outcome"
"""The status of a row whose label is null, and that no reason excludes."""


def labels(lake: Lake, plan: ModelPlan, batch: str) -> "pa.Table":
    """Key columns, `event_time`, `known_at`, `label` (null when there is none) and `status` of each clean row.

    A label is a number, or the text of a class.

    Raises:
        SpecError: the target or a reason for exclusion cannot be computed.
        NotFound: the dataset has no clean table yet.
    """
    import duckdb

    with sql.session() as connection:
        clean = lake.scan(keys.table(plan.dataset.name, "clean"))
        connection.execute(f"create temp table clean as select * from {clean} where {BATCH} = $1", [batch])
        kind = _check(connection, plan)
        try:
            return connection.execute(_query(plan, kind)).to_arrow_table()
        except duckdb.Error as error:
            raise SpecError.of(f"the labels of model '{plan.name}' cannot be computed: {error}") from error


def earlier(lake: Lake, plan: ModelPlan, batch: str) -> "pa.ChunkedArray | None":
    """The labels of the other batches, where they decide what a label may be; None where the declaration does."""
    table, told = keys.table(plan.name, "labels"), plan.model.told_task
    if told in ("binary", "regression") or not lake.exists(table):
        return None
    others = [other for other in lake.batches(table) if other != batch]
    return lake.read(table, batches=others, columns=["label"])["label"] if others else None


def _query(plan: ModelPlan, kind: str) -> str:
    key, target = sql.identifiers(plan.dataset.key), plan.model.target
    reasons = [f"when ({condition}\n) then {sql.literal(name)}" for name, condition in target.excluded.items()]
    reason = f"case {' '.join(reasons)} end" if reasons else "null::varchar"
    times = f"{_event_time(plan.dataset)} as event_time, {_known_at(plan.dataset, target)} as known_at"
    return f"""with judged as (
    select {key}, {times}, cast(({_expression(target)}\n) as {kind}) as label, {reason} as reason
    from (select * exclude ({BATCH}) from clean)
)
select {key}, event_time, known_at, case when reason is null then label end as label,
    coalesce(reason, case when label is null then '{NO_OUTCOME}' else '{LABELLED}' end) as status
from judged order by event_time, {key}"""


def _expression(target: Target) -> str:
    return target.expression or sql.identifier(target.column)


def _event_time(dataset: Dataset) -> str:
    return f"cast({sql.identifier(dataset.event_time)} as timestamptz)" if dataset.event_time else "null::timestamptz"


def _known_at(dataset: Dataset, target: Target) -> str:
    """When everything about a row is known: after the model's delay, and not before the dataset says so."""
    after = f"{_event_time(dataset)} + to_microseconds({target.known_after // timedelta(microseconds=1)})"
    if dataset.outcomes is None:
        return after
    return f"greatest({after}, cast({sql.identifier(dataset.outcomes.known_at)} as timestamptz))"


def _check(connection: "DuckDBPyConnection", plan: ModelPlan) -> str:
    """The type in which the label is kept.

    Raises:
        SpecError: the target or a reason cannot be computed, or the target is no label of the task.
    """
    given = [column for column in columns(connection, "clean") if column != BATCH]
    dataset, target = plan.dataset, plan.model.target
    declared = [*dataset.key, dataset.event_time, dataset.outcomes.known_at if dataset.outcomes else None]
    for column in (column for column in declared if column):
        known(f"dataset '{dataset.name}'", column, given)
    what = f"target of model '{plan.name}'"
    if target.expression is None:
        known(what, target.column, given)
    kind = column_type(connection, _expression(target), relation="clean", allowed=given, later=(), what=what)
    words = _is_text(kind) and plan.model.told_task in (None, "multiclass")
    if not (words or is_number(kind)):
        allowed = "a number, a truth, or with task: multiclass a text"
        raise SpecError.of(f"{what} is no number", got=kind, allowed=allowed, step="give an expression")
    for name, condition in target.excluded.items():
        reason = f"reason '{name}' of model '{plan.name}'"
        if name in (LABELLED, NO_OUTCOME):
            raise SpecError.of(f"{reason}: the name is taken", step="give the reason another name")
        column_type(connection, condition, relation="clean", allowed=given, later=(), what=reason)
    return "varchar" if words else "double"


def _is_text(kind: str) -> bool:
    return kind == "VARCHAR" or kind.startswith("ENUM")
