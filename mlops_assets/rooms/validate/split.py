"""The split: each row of a batch is clean, in quarantine with every reason, or merged with its double; none is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate import custom, doubles, judgement, memory, repairing
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.judgement import Raw
from mlops_assets.rooms.validate.repairing import ID, Repairs
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql
from mlops_assets.stores.lake import RESERVED
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HELD: Final = "batch:stopped"
"""The reason of a good row in a batch that is stopped."""
EXAMPLES: Final = 3
MEMORY: Final = "800MB"
"""What DuckDB may hold of a large batch before it spills to disk."""


@dataclass(frozen=True)
class Split:
    """What became of a batch's rows: Arrow tables, or, of a large batch, DuckDB relations that are run when written.

    Attributes:
        clean: rows that meet the contract, in its columns, as they arrived one after another.
        quarantine: `_row` (from 1), `row` (JSON as it arrived) and `reasons`.
        merged: rows left out because one with the same key is clean: an identical one, or the one that a rule keeps.
        rows_in: rows of the batch.
        clean_rows: of `clean`.
        quarantined: rows of `quarantine`.
        repairs: every repaired cell: `_row`, `column_name`, `repair`, `before` and `after`.
        reasons: to the rows that have it, the most frequent first; a row counts under each of its reasons.
        examples: reason to the numbers of its first rows.
        repaired: repair and column, such as `trim carrier`, to the cells that it changed.
    """

    clean: Any
    quarantine: Any
    merged: int
    rows_in: int
    repairs: Any
    clean_rows: int
    quarantined: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of rows in quarantine."""
        return self.quarantined / self.rows_in if self.rows_in else 0.0


def split(
    raw: Raw,
    contract: Contract,
    dataset: Dataset,
    batch: str,
    *,
    others: str | None = None,
    repairs: Repairs | None = None,
) -> Split:
    """Repair what is declared, then judge every row of a batch.

    Args:
        raw: as it arrived: in memory, or, where it is large, as SQL after FROM.
        contract: what each row must meet.
        dataset: for key, event time and period.
        batch: its name.
        others: SQL relation over the clean table; keys that other batches hold already are refused.
        repairs: what is done before; left out: what the dataset declares, with nothing to look values up in.

    Raises:
        BatchBreach: the batch as a whole breaks the contract.
        ContractError: the contract itself can't be judged.
    """
    import duckdb

    connection = sql.connect(MEMORY) if isinstance(raw, str) else sql.session()
    try:
        arrived = judgement.register(connection, raw)
        repaired = repairing.apply(connection, repairs or Repairs(dataset.repairs))
        judged = judgement.judge(connection, repaired, contract, dataset, batch, arrived=arrived)
        doubles.find(connection, contract, dataset, batch, others)
        custom.run(connection, contract, judged)
        rows = Rows(connection, held=not isinstance(raw, str))
        found = _verdict(connection, contract, dataset, rows, judged)
    except duckdb.Error as error:
        raise ContractError.of(f"the contract can't be judged: {error}", step="mend its rules") from error
    if found.clean_rows + found.quarantined + found.merged != found.rows_in:
        raise ContractError.of(f"batch '{batch}' would lose rows", got=f"{found.rows_in} rows in", step="report this")
    return found


def hold(raw: Raw, reason: str = HELD, judged: Split | None = None) -> Split:
    """Put a whole batch in quarantine: rows keep the reasons that they have, the others get the one given."""
    connection = sql.connect(MEMORY) if isinstance(raw, str) else sql.session()
    rows = Rows(connection, held=not isinstance(raw, str))
    judgement.register(connection, raw)
    connection.execute("create temp table refused (_row bigint, row varchar, reasons varchar[])")
    if judged:
        connection.register(
            "judged", judged.quarantine.to_arrow_reader(CHUNK) if isinstance(raw, str) else judged.quarantine
        )
        connection.execute("insert into refused select * from judged")
    quarantine = rows.of(
        f"""select * from refused union all
        select {ID}, {judgement.as_json(connection)}, [{sql.literal(reason)}] from arrived
        where {ID} not in (select _row from refused) order by 1"""
    )
    count, before = judgement.rows(connection), judged.quarantined if judged else 0
    reasons, examples = dict(judged.reasons if judged else {}), dict(judged.examples if judged else {})
    if count > before:
        reasons[reason] = count - before
    clean = rows.of("select * from arrived where false")
    cells, repaired = (judged.repairs, judged.repaired) if judged else (repairing.nothing(), {})
    return Split(clean, quarantine, 0, count, cells, 0, count, reasons, examples, repaired)


@dataclass(frozen=True)
class Rows:
    """What a query gives: at once where the batch is held in memory, else when it is asked for."""

    connection: "duckdb.DuckDBPyConnection"
    held: bool

    def of(self, query: str) -> Any:
        """An Arrow table, or a relation, which keeps its connection."""
        return self.connection.execute(query).to_arrow_table() if self.held else self.connection.sql(query)


def _verdict(
    connection: "duckdb.DuckDBPyConnection",
    contract: Contract,
    dataset: Dataset,
    rows: Rows,
    judged: "pa.Table | None",
) -> Split:
    """Bring the reasons of all passes together, and merge the doubles among the rows that have none."""
    connection.execute(
        """create temp table refused as select id, list(reason order by place, reason) as reasons from
        (select id, min(place) as place, reason from breaches group by id, reason) group by id"""
    )
    doubles.merge(connection, dataset)
    clean = _clean(connection, contract, rows, judged)
    quarantine = rows.of(
        f"""select {ID} as _row, {judgement.as_json(connection)} as row, {RESERVED}why as reasons
        from (from arrived where not ({judgement.without(connection, "id from refused")}))
        join (select id as {ID}, reasons as {RESERVED}why from refused) using ({ID}) order by 1"""
    )
    counted = connection.execute(
        f"select reason, count(distinct id), min(id, {EXAMPLES}) from (select distinct id, reason from breaches) "
        "group by reason order by 2 desc, 1"
    ).fetchall()
    merged, refused = connection.execute(
        "select (select count(*) from merged), (select count(*) from refused)"
    ).fetchall()[0]
    count = judgement.rows(connection)
    held = clean.num_rows if rows.held else count - merged - refused
    cells, repaired = repairing.recorded(connection, rows.of)
    reasons, examples = {why: n for why, n, _ in counted}, {why: tuple(ids) for why, _, ids in counted}
    return Split(clean, quarantine, merged, count, cells, held, refused, reasons, examples, repaired)


def _clean(connection: "duckdb.DuckDBPyConnection", contract: Contract, rows: Rows, judged: "pa.Table | None") -> Any:
    """The rows of `judged` that are neither refused nor merged with another."""
    if judged is not None:
        gone = judgement.numbers(connection, "id from (select id from refused union all select id from merged)")
        return memory.without(judged, gone).select(contract.names)
    return rows.of(
        f"""select {sql.identifiers(contract.names)} from judged
        where {judgement.without(connection, "id from refused")}
        and {judgement.without(connection, "id from merged")}"""
    )
