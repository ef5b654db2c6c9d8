"""A quarantined row is mended and released: recorded in the lineage, applied whenever its batch is validated again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import ContractError, UnknownName
from mlops_assets.rooms.validate import quarantine
from mlops_assets.rooms.validate.repairing import Mends
from mlops_assets.rooms.validate.split import split
from mlops_assets.rooms.validate.terms import contract_of, others, raw_of, repairs_of
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record

KIND = "quarantine_release"
SHOWN = 5


@dataclass(frozen=True)
class Release:
    """What a person asks for.

    Attributes:
        batch: in which the rows are.
        rows: their numbers in the batch, from 1.
        values: column to its text, as the contract would read it; None: null.
        reason: why this is right.
        by: who says so.
    """

    batch: str
    rows: Sequence[int]
    reason: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    by: str = ""


def of(lineage: "Lineage", dataset: str, batch: str, fingerprint: str) -> Mends:
    """All that was released of a batch with exactly this raw content; of other content the rows have other numbers."""
    found: dict[int, dict[str, str | None]] = {}
    for record in lineage.records(KIND, dataset):
        if (record.body["batch"], record.body["raw"]) == (batch, fingerprint):
            for row in record.body["rows"]:
                found.setdefault(int(row), {}).update(record.body["set"])
    return found


def held(lake: Lake, lineage: "Lineage", dataset: str, batch: str) -> Mends:
    """The mends of a batch as it is now."""
    raw = keys.raw_table(dataset, batch)
    return of(lineage, dataset, batch, lake.fingerprint(raw, batch=batch)) if lake.exists(raw) else {}


def release(lake: Lake, lineage: "Lineage", plan: DatasetPlan, home: Path, asked: Release) -> "Record":
    """Judge the rows as they would be, and record the mend when every one of them meets the contract.

    Raises:
        UnknownName: a row is not in quarantine, or a column is not there.
        ContractError: a row still breaks the contract; nothing is recorded.
    """
    dataset, raw_table = plan.dataset, keys.raw_table(plan.dataset.name, asked.batch)
    _demand_quarantined(lake, dataset.name, asked)
    raw, fingerprint = raw_of(lake, raw_table), lake.fingerprint(raw_table, batch=asked.batch)
    mends = {row: dict(values) for row, values in of(lineage, dataset.name, asked.batch, fingerprint).items()}
    for row in asked.rows:
        mends.setdefault(row, {}).update(asked.values)
    repairs = repairs_of(lake, dataset, mends)
    contract = contract_of(plan, raw, asked.batch, home, repairs)
    for column in asked.values:
        if column not in contract.names:
            raise UnknownName.among("column", column, contract.names, where=dataset.name)
    found = split(raw, contract, dataset, asked.batch, others=others(lake, dataset), repairs=repairs)
    refused = found.quarantine if hasattr(found.quarantine, "to_pylist") else found.quarantine.to_arrow_table()
    still = {row["_row"]: row["reasons"] for row in refused.to_pylist() if row["_row"] in set(asked.rows)}
    if still:
        told = "; ".join(f"row {row}: {', '.join(why)}" for row, why in list(still.items())[:SHOWN])
        raise ContractError.of(
            f"{len(still)} of {len(asked.rows)} rows of {dataset.name} {asked.batch} would still break the contract",
            got=told,
            allowed="rows that meet the contract",
            step="set other values; nothing was recorded",
        )
    body = {"batch": asked.batch, "raw": fingerprint, "rows": list(asked.rows), "set": dict(asked.values)}
    return lineage.append(KIND, dataset.name, {**body, "reason": asked.reason, "by": asked.by})


def _demand_quarantined(lake: Lake, dataset: str, asked: Release) -> None:
    if not asked.rows:
        raise ContractError.of("no rows are named", allowed="row numbers, such as 5,7-9", step="see quarantine show")
    known = {row["_row"] for row in quarantine.rows(lake, dataset, asked.batch)}
    absent = [row for row in asked.rows if row not in known]
    if absent:
        listed = [str(row) for row in sorted(known)[:20]]
        raise UnknownName.among(f"quarantined row of {dataset} {asked.batch}", str(absent[0]), listed)
