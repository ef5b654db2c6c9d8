"""Doubled keys and values: in a batch, and across batches; only the few that are doubled are looked at twice."""

from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.judgement import OTHERS, without
from mlops_assets.rooms.validate.repairing import ID, kinds
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH, RESERVED

if TYPE_CHECKING:
    import duckdb

_CONFLICT: Final = f"{RESERVED}conflict"
_HOLDER: Final = f"{RESERVED}holder"


def find(
    connection: "duckdb.DuckDBPyConnection", contract: Contract, dataset: Dataset, batch: str, others: str | None
) -> None:
    """Add to `breaches` the rows of `judged` whose key or value is not their own.

    The tables `doubled` and `elsewhere` are left: keys that it has twice, and rows that another batch has as well.
    """
    content = f"row({sql.identifiers(contract.names)})"
    if dataset.key:
        differing = "false" if dataset.merge else f"count(distinct {content}) > 1"
        _within(connection, "doubled", dataset.key, differing=differing, reason="key:conflict")
        connection.execute("create temp table elsewhere (id bigint, held varchar)")
        if others:
            _across(connection, contract, dataset.key, batch, others)
    differing = f"count(distinct {content}) > 1" if dataset.key else "count(*) > 1"
    for position, group in enumerate(contract.unique):
        if dataset.merge and set(group) == set(dataset.key):
            continue
        reason = f"{'+'.join(group)}:unique"
        _within(connection, f"doubled_{position}", group, differing=differing, reason=reason)


def merge(connection: "duckdb.DuckDBPyConnection", dataset: Dataset) -> None:
    """Make the table `merged` of the rows of `judged` that give way to another with their key; a rule is recorded.

    A row that another batch has as well, value for value, has arrived twice: the first to arrive stays. Only rows that
    meet the contract count: a broken row never takes the place of a whole one.
    """
    if not dataset.key:
        connection.execute("create temp table merged as select 0::bigint as id, '' as kept where false")
        return
    key, order = sql.identifiers(dataset.key), _order(dataset)
    connection.execute(
        f"""create temp table merged as select id, min(kept) as kept from (
        select id, 'row ' || kept as kept from (
        select {ID} as id, row_number() over w as place, first_value({ID}) over w as kept
        from judged semi join doubled using ({key}) where {without(connection, "id from refused")}
        window w as (partition by {key} order by {order})) where place > 1
        union all select id, 'batch ' || held from elsewhere anti join refused using (id)) group by id"""
    )
    if dataset.merge:
        names = list(kinds(connection, "judged"))
        pairs = ", ".join(f"{sql.literal(name)}, judged.{sql.identifier(name)}" for name in names)
        text = f"cast(json_object({pairs}) as varchar)"
        connection.execute(
            f"""insert into repairs select gone.id, null, 'merge', {text}, gone.kept
            from judged join merged gone on {ID} = gone.id"""
        )


def _order(dataset: Dataset) -> str:
    """SQL that puts the row to keep first; of equal ones the last, and without a rule the first."""
    rule = dataset.merge
    if rule is None or rule.keep == "first":
        return ID
    if rule.keep == "last":
        return f"{ID} desc"
    by = sql.identifier(rule.by or dataset.event_time or "")
    return f"{by} {'desc' if rule.keep in ('newest', 'max') else 'asc'} nulls last, {ID} desc"


def _within(
    connection: "duckdb.DuckDBPyConnection", table: str, columns: tuple[str, ...], *, differing: str, reason: str
) -> None:
    """Keep the doubled values of some columns in a table, and refuse the rows where they differ in more than that."""
    names = sql.identifiers(columns)
    complete = " and ".join(f"{sql.identifier(name)} is not null" for name in columns)
    alike = f"select 1 from judged where {complete} group by hash({names}) having count(*) > 1 limit 1"
    if not connection.execute(alike).fetchall():  # a hash is cheaper to count than a text, and equal for equal ones
        connection.execute(f"create temp table {table} as select {names}, false as {_CONFLICT} from judged where false")
        return  # what differs is not even asked: to compare whole rows of thousands of columns is dear to plan
    connection.execute(
        f"""create temp table {table} as
        with often as (select {names} from judged where {complete} group by {names} having count(*) > 1)
        select {names}, {differing} as {_CONFLICT}
        from judged semi join often using ({names})
        group by {names}"""
    )
    connection.execute(
        f"""insert into breaches select {ID}, {OTHERS}, ?
        from judged semi join (from {table} where {_CONFLICT}) using ({names})""",
        [reason],
    )


def _across(
    connection: "duckdb.DuckDBPyConnection", contract: Contract, key: tuple[str, ...], batch: str, others: str
) -> None:
    """Refuse the rows whose key another batch has with other values; keep aside those that it has just so."""
    names = sql.identifiers(key)
    connection.execute(
        f"""create temp table known as select {ID}, min({BATCH}) as {_HOLDER}
        from judged join (select {names}, {BATCH} from {others} where {BATCH} <> ?) using ({names}) group by 1""",
        [batch],
    )
    if not connection.execute("from known limit 1").fetchall():
        return  # as nearly always, and to compare whole rows is dear to plan
    if set(kinds(connection, others)).issuperset(contract.names):
        alike = " and ".join(f"judged.{c} is not distinct from other.{c}" for c in map(sql.identifier, contract.names))
        connection.execute(
            f"""insert into elsewhere select {ID}, min({_HOLDER}) from judged join known using ({ID})
            join (from {others} where {BATCH} <> ?) other using ({names}) where {alike} group by 1""",
            [batch],
        )
    connection.execute(
        f"""insert into breaches select {ID}, {OTHERS}, 'key:in_batch(' || {_HOLDER} || ')'
        from known anti join elsewhere on {ID} = id"""
    )
