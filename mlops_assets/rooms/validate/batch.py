"""A batch goes from raw to clean and quarantine, or is stopped: what Dagster shows, without Dagster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.validate import evolution, mends, restating, terms
from mlops_assets.rooms.validate.contract import BatchBreach, Contract
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.rooms.validate.split import Split, hold, split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lake import Lake, TableVersion

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lineage import Lineage

TOP = 5


def validate_batch(
    lake: Lake,
    plan: DatasetPlan,
    batch: str,
    home: Path,
    *,
    commit: Mapping[str, str] | None = None,
    lineage: "Lineage | None" = None,
) -> Outcome:
    """Split a raw batch by its contract and write what becomes of it; the same batch again replaces what was there.

    Args:
        lake: where the raw batch is, and where its rows go.
        plan: the dataset.
        batch: its name.
        home: the platform's home.
        commit: what the versions' commits carry besides.
        lineage: what persons have mended, and the contract in force; without one, neither is known.

    Raises:
        NotFound: there is no such raw batch.
        ContractError: the contract itself is wrong, or may not be changed so; nothing is written.
    """
    raw_table = keys.raw_table(plan.dataset.name, batch)
    raw, file = terms.raw_of(lake, raw_table), _file(lake, raw_table, batch)
    mended = mends.held(lake, lineage, plan.dataset.name, batch) if lineage else None
    repairs = terms.repairs_of(lake, plan.dataset, mended)
    adopted = _Adopted()
    try:
        contract = terms.contract_of(plan, raw, batch, home, repairs)
        if lineage:
            adopted = _adopted(lake, lineage, plan, contract, batch)
        found = split(raw, contract, plan.dataset, batch, others=terms.others(lake, plan.dataset), repairs=repairs)
    except BatchBreach as breach:
        found, verdict = hold(raw, breach.reason), Verdict(file, 1.0, breach=f"{file}: {breach}")
    else:
        verdict = Verdict(file, found.share, excess=_excess(found, plan.dataset.quarantine.max_share, file))
        found = hold(raw, judged=found) if verdict.excess else found
    stopped, carried = bool(verdict.breach or verdict.excess), {**(commit or {}), "file": file, **adopted.commit}
    versions = _written(lake, plan.dataset, batch, found=found, stopped=stopped, commit=carried)
    return replace(_outcome(found, verdict, versions), changes=adopted.changes, restated=adopted.restated)


@dataclass(frozen=True)
class Verdict:
    """Of a batch as a whole."""

    file: str
    share: float
    breach: str = ""
    excess: str = ""


@dataclass(frozen=True)
class _Adopted:
    """What came of the contract: its mark, what it changed, and the other batches that were validated again for it."""

    commit: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[evolution.Change] = ()
    restated: Mapping[str, str] = field(default_factory=dict)


def _adopted(lake: Lake, lineage: "Lineage", plan: DatasetPlan, contract: Contract, batch: str) -> _Adopted:
    force, changes = evolution.proposed(lineage, plan, contract)
    table = restating.Table(lake, lineage, plan, contract)
    restated = restating.restate(table, keeps=batch, commit=force.commit)
    evolution.adopt(lineage, plan.dataset.name, force, changes)
    return _Adopted(force.commit, changes, restated)


def _written(
    lake: Lake, dataset: Dataset, batch: str, *, found: Split, stopped: bool, commit: Mapping[str, str]
) -> dict[str, TableVersion]:
    """Write repairs and quarantine, then clean; a stopped batch only takes away what clean held of it before."""
    clean = keys.table(dataset.name, "clean")
    versions = {}
    for stage, rows in (("repairs", found.repairs), ("quarantine", found.quarantine)):
        if stage == "quarantine" or dataset.repairs or found.repaired or lake.exists(keys.table(dataset.name, stage)):
            versions[stage] = lake.write(keys.table(dataset.name, stage), rows, batch=batch, commit=commit)
    if not stopped:
        versions["clean"] = lake.write(clean, found.clean, batch=batch, commit=commit)
    elif lake.exists(clean) and batch in lake.batches(clean):
        lake.write(clean, lake.read(clean, batches=[]), batch=batch, commit=commit)
    return versions


def _outcome(found: Split, verdict: Verdict, versions: Mapping[str, TableVersion]) -> Outcome:
    return Outcome(
        file=verdict.file,
        rows_in=found.rows_in,
        clean=versions["clean"].rows if "clean" in versions else 0,
        quarantined=versions["quarantine"].rows,
        merged=found.merged,
        share=verdict.share,
        reasons=found.reasons,
        examples=found.examples,
        repaired=found.repaired,
        breach=verdict.breach,
        excess=verdict.excess,
        versions=versions,
        schemas={stage: _schema(getattr(found, stage)) for stage in ("repairs", "quarantine", "clean")},
    )


def _schema(rows: Any) -> "pa.Schema":
    return rows.schema if hasattr(rows, "schema") else rows.limit(0).to_arrow_table().schema


def _excess(found: Split, limit: float, file: str) -> str:
    """Why too many rows are bad, with the most frequent reasons and their first rows; empty when they aren't."""
    if found.share <= limit:
        return ""
    top = [
        f"{reason} ({count} rows, such as row {', '.join(map(str, found.examples[reason]))})"
        for reason, count in list(found.reasons.items())[:TOP]
    ]
    bad = f"{found.quarantined} of {found.rows_in} rows break the contract"
    return f"{file}: {bad}: {'; '.join(top)}; allowed: a share of {limit:g}; next: land a mended file of the same name"


def _file(lake: Lake, raw_table: str, batch: str) -> str:
    """The name of the landed file, as the commit of the raw batch carries it."""
    return next((commit["file"] for commit in reversed(lake.history(raw_table)) if "file" in commit), batch)
