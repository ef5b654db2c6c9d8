"""The split: each row of a batch is clean, in quarantine with every reason, or merged with its double; none is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate import custom, doubles, judgement, repairing
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.judgement import REASONS, WHY
from mlops_assets.rooms.validate.repairing import ID, Repairs
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HELD: Final = "batch:stopped"
"""The reason of a good row in a batch that is stopped."""
EXAMPLES: Final = 3


@dataclass(frozen=True)
class Split:
    """What became of a batch's rows.

    Attributes:
        clean: rows that meet the contract, in its columns, sorted by key or by all columns.
        quarantine: `_row` (from 1), `row` (JSON as it arrived) and `reasons`.
        merged: rows left out because one with the same key is clean: an identical one, or the one that a rule keeps.
        rows_in: rows of the batch.
        repairs: every repaired cell: `_row`, `column_name`, `repair`, `before` and `after`.
        reasons: to the rows that have it, the most frequent first; a row counts under each of its reasons.
        examples: reason to the numbers of its first rows.
        repaired: repair and column, such as `trim carrier`, to the cells that it changed.
    """

    clean: "pa.Table"
    quarantine: "pa.Table"
    merged: int
    rows_in: int
    repairs: "pa.Table"
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of rows in quarantine."""
        return self.quarantine.num_rows / self.rows_in if self.rows_in else 0.0


def split(
    raw: "pa.Table",
    contract: Contract,
    dataset: Dataset,
    batch: str,
    *,
    others: str | None = None,
    repairs: Repairs | None = None,
) -> Split:
    """Repair what is declared, then judge every row of a batch.

    Args:
        raw: as it arrived.
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

    with sql.connect() as connection:
        try:
            judgement.register(connection, raw)
            repairing.apply(connection, repairs or Repairs(dataset.repairs))
            judgement.judge(connection, contract, dataset, batch)
            connection.execute("create temp table breaches (id bigint, reason varchar)")
            doubles.find(connection, contract, dataset, batch, others)
            custom.run(connection, contract)
            found = _verdict(connection, contract, dataset)
        except duckdb.Error as error:
            raise ContractError.of(f"the contract can't be judged: {error}", step="mend its rules") from error
    if found.clean.num_rows + found.quarantine.num_rows + found.merged != found.rows_in:
        raise ContractError.of(f"batch '{batch}' would lose rows", got=f"{found.rows_in} rows in", step="report this")
    return found


def hold(raw: "pa.Table", reason: str = HELD, judged: Split | None = None) -> Split:
    """Put a whole batch in quarantine: rows keep the reasons that they have, the others get the one given."""
    import pyarrow as pa

    with sql.connect() as connection:
        judgement.register(connection, raw)
        connection.execute("create temp table refused (_row bigint, row varchar, reasons varchar[])")
        if judged:
            connection.register("judged", judged.quarantine)
            connection.execute("insert into refused select * from judged")
        quarantine = connection.execute(
            f"""select * from refused union all
            select {ID}, {judgement.as_json(connection)}, [?] from arrived
            where {ID} not in (select _row from refused) order by 1""",
            [reason],
        ).to_arrow_table()
    held = quarantine.num_rows - (judged.quarantine.num_rows if judged else 0)
    reasons, examples = dict(judged.reasons if judged else {}), dict(judged.examples if judged else {})
    if held:
        reasons[reason] = held
    schema = pa.schema([("_row", pa.int64()), ("row", pa.string()), ("reasons", pa.list_(pa.string()))])
    clean = judged.clean.slice(0, 0) if judged else raw.slice(0, 0)
    cells = judged.repairs if judged else repairing.nothing()
    repaired = judged.repaired if judged else {}
    return Split(clean, quarantine.cast(schema), 0, raw.num_rows, cells, reasons, examples, repaired)


def _verdict(connection: "duckdb.DuckDBPyConnection", contract: Contract, dataset: Dataset) -> Split:
    """Bring the reasons of all passes together, and merge the doubles among the rows that have none."""
    connection.execute(
        f"""create temp table verdict as
        select judged.*, {REASONS} || coalesce(more, []) as {WHY} from judged left join
        (select id, list(distinct reason order by reason) as more from breaches group by id) b
        on b.id = {ID}"""
    )
    doubles.merge(connection, dataset)
    keys = sql.identifiers(dataset.key)
    order = keys or ", ".join(str(position + 1) for position in range(len(contract.columns)))
    clean = connection.execute(
        f"""select {sql.identifiers(contract.names)} from verdict
        where len({WHY}) = 0 and {ID} not in (select id from merged) order by {order}"""
    ).to_arrow_table()
    quarantine = connection.execute(
        f"""select {ID} as _row, {judgement.as_json(connection)} as row, {WHY} as reasons
        from arrived join (select {ID}, {WHY} from verdict where len({WHY}) > 0) using ({ID})
        order by 1"""
    ).to_arrow_table()
    counted = connection.execute(
        f"""select reason, count(*), min(id, {EXAMPLES}) from
        (select {ID} as id, unnest({WHY}) as reason from verdict) group by reason order by 2 desc, 1"""
    ).fetchall()
    counts = "select (select count(*) from merged), (select count(*) from arrived)"
    merged, rows = connection.execute(counts).fetchall()[0]
    reasons = {reason: count for reason, count, _ in counted}
    cells, repaired = repairing.recorded(connection)
    examples = {reason: tuple(ids) for reason, _, ids in counted}
    return Split(clean, quarantine, merged, rows, cells, reasons, examples, repaired)
