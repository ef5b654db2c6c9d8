"""A changed contract changes the table: every batch that it holds is validated again, and all enter in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.validate import mends, terms
from mlops_assets.rooms.validate.contract import BatchBreach, Contract
from mlops_assets.rooms.validate.evolution import ContractChanged
from mlops_assets.rooms.validate.split import split
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage

_SPELLED = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}


@dataclass(frozen=True)
class Table:
    """A dataset's tables, and the contract under which they come."""

    lake: Lake
    lineage: "Lineage"
    plan: DatasetPlan
    contract: Contract

    @property
    def clean(self) -> str:
        """The clean table's name."""
        return keys.table(self.plan.dataset.name, "clean")


def restate(table: Table, *, keeps: str, commit: Mapping[str, str]) -> dict[str, str]:
    """Bring the batches of the clean table under a contract with other columns; the versions before stay.

    Args:
        table: what is validated again.
        keeps: the batch that is written afterwards, and left out.
        commit: what the version's commit carries.

    Returns:
        Batch to the fingerprint of its clean rows; nothing where the table has the contract's columns already.

    Raises:
        ContractChanged: a batch that was clean would not be; the table is left as it is.
    """
    lake, clean = table.lake, table.clean
    if not lake.exists(clean) or _columns(lake.scan(clean)) == {c.name: c.type for c in table.contract.columns}:
        return {}
    others = [held for held in lake.batches(clean) if held != keeps]
    if not others:
        return {}
    with TemporaryDirectory(prefix="mlops-restate-") as folder:
        staged = DeltaLake(Path(folder))
        found = {held: _judged(table, staged, held) for held in others}
        with sql.connect() as connection:
            rows = connection.sql(f"select * rename ({BATCH} as batch) from {staged.scan(clean)}")
            lake.restate(clean, rows, by="batch", commit=commit)
    for held, (quarantine, repairs) in found.items():
        for stage, cells in (("quarantine", quarantine), ("repairs", repairs)):
            if lake.exists(keys.table(table.plan.dataset.name, stage)) or _any(cells):
                lake.write(keys.table(table.plan.dataset.name, stage), cells, batch=held, commit=commit)
    return {held: lake.fingerprint(clean, batch=held) for held in others}


def _judged(table: Table, staged: Lake, batch: str) -> tuple[Any, Any]:
    """Stage the clean rows of a batch; what is to be quarantined, and what was repaired."""
    dataset = table.plan.dataset
    mended = mends.held(table.lake, table.lineage, dataset.name, batch)
    repairs, others = terms.repairs_of(table.lake, dataset, mended), terms.others(staged, dataset)
    raw = terms.raw_of(table.lake, keys.raw_table(dataset.name, batch))
    try:
        found = split(raw, table.contract, dataset, batch, others=others, repairs=repairs)
    except BatchBreach as breach:
        raise _refused(dataset.name, batch, str(breach)) from breach
    if found.share > dataset.quarantine.max_share:
        raise _refused(dataset.name, batch, f"{found.share:.2%} of its rows break it")
    staged.write(table.clean, found.clean, batch=batch)
    return found.quarantine, found.repairs


def _any(cells: Any) -> bool:
    return bool(cells.num_rows if hasattr(cells, "num_rows") else cells.limit(1).fetchall())


def _refused(dataset: str, batch: str, why: str) -> ContractChanged:
    return ContractChanged.of(
        f"batch '{batch}' of {dataset}, which is clean, does not meet the changed contract",
        got=why,
        allowed="a contract that every clean batch meets",
        step="loosen the change, such as by a column that is not required; the table is as it was",
    )


def _columns(relation: str) -> dict[str, str]:
    with sql.session() as connection:
        described = connection.execute(f"describe select * from {relation}").fetchall()
    return {name: _SPELLED.get(str(kind), str(kind)) for name, kind, *_ in described if name != BATCH}
