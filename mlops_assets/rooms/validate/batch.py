"""A batch goes from raw to clean and quarantine, or is stopped: what Dagster shows, without Dagster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.validate.contract import BatchBreach, Contract
from mlops_assets.rooms.validate.infer import frozen
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.repairing import Mends, Repairs
from mlops_assets.rooms.validate.split import Split, hold, split
from mlops_assets.settings import Settings
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lake import Lake, TableVersion

if TYPE_CHECKING:
    import pyarrow as pa

TOP = 5


@dataclass(frozen=True)
class Outcome:
    """What became of a batch.

    Attributes:
        file: the landed file that the batch came from.
        rows_in: rows of the raw batch.
        clean: rows published; none when the batch is stopped.
        quarantined: rows in quarantine; all when the batch is stopped.
        merged: rows left out because one with the same key is clean.
        share: of rows with a reason of their own, on which the limit is set.
        reasons: to rows, the most frequent first.
        examples: reason to the numbers of its first rows.
        repaired: repair and column to the cells that it changed, the most frequent first.
        breach: why no row could be judged; empty when all were.
        excess: why too many rows are bad; empty when they aren't.
        versions: stage to what was written.
        schemas: stage to the schema of its table.
    """

    file: str
    rows_in: int
    clean: int
    quarantined: int
    merged: int
    share: float
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    breach: str = ""
    excess: str = ""
    versions: Mapping[str, TableVersion] = field(default_factory=dict)
    schemas: Mapping[str, "pa.Schema"] = field(default_factory=dict)

    @property
    def stopped(self) -> str | None:
        """Why the way stops for this batch, or None."""
        return self.breach or self.excess or None

    @property
    def conserved(self) -> bool:
        """Rows in = clean + quarantined + merged."""
        return self.rows_in == self.clean + self.quarantined + self.merged

    @property
    def account(self) -> str:
        """Where the rows went, in words."""
        return f"{self.rows_in} in; {self.clean} clean, {self.quarantined} quarantined, {self.merged} merged"


def validate_batch(
    lake: Lake,
    plan: DatasetPlan,
    batch: str,
    home: Path,
    *,
    commit: Mapping[str, str] | None = None,
    mends: Mends | None = None,
) -> Outcome:
    """Split a raw batch by its contract and write what becomes of it; the same batch again replaces what was there.

    Args:
        lake: where the raw batch is, and where its rows go.
        plan: the dataset.
        batch: its name.
        home: the platform's home.
        commit: what the versions' commits carry besides.
        mends: what a person has mended in rows of exactly this content.

    Raises:
        NotFound: there is no such raw batch.
        ContractError: the contract itself is wrong; nothing is written.
    """
    raw_table = keys.raw_table(plan.dataset.name, batch)
    raw, file = lake.read(raw_table), _file(lake, raw_table, batch)
    repairs = repairs_of(lake, plan.dataset, mends)
    try:
        contract = contract_of(plan, raw, batch, home, repairs)
        found = split(raw, contract, plan.dataset, batch, others=others(lake, plan.dataset), repairs=repairs)
    except BatchBreach as breach:
        found, verdict = hold(raw, breach.reason), Verdict(file, 1.0, breach=f"{file}: {breach}")
    else:
        verdict = Verdict(file, found.share, excess=_excess(found, plan.dataset.quarantine.max_share, file))
        found = hold(raw, judged=found) if verdict.excess else found
    stopped, carried = bool(verdict.breach or verdict.excess), {**(commit or {}), "file": file}
    versions = _written(lake, plan.dataset, batch, found=found, stopped=stopped, commit=carried)
    return _outcome(found, verdict, versions)


def repairs_of(lake: Lake, dataset: Dataset, mends: Mends | None = None) -> Repairs:
    """What is declared, with the clean tables in which values are looked up."""
    tables = {name: keys.table(name, "clean") for name in dataset.looked_up}
    references = {name: lake.scan(table) for name, table in tables.items() if lake.exists(table)}
    return Repairs(dataset.repairs, references, mends or {})


def contract_of(plan: DatasetPlan, raw: "pa.Table", batch: str, home: Path, repairs: Repairs) -> Contract:
    """The contract that is declared, or else the one inferred from the first batch.

    Raises:
        SpecError: nothing answers to the declared name.
        ContractError: what answers is no contract.
    """
    if plan.dataset.contract:
        return from_pandera(plan.place.load(plan.dataset.contract))
    return frozen(
        Settings(home=home).data / "contracts" / f"{plan.dataset.name}.json", raw, plan.dataset, batch, repairs
    )


@dataclass(frozen=True)
class Verdict:
    """Of a batch as a whole."""

    file: str
    share: float
    breach: str = ""
    excess: str = ""


def _written(
    lake: Lake, dataset: Dataset, batch: str, *, found: Split, stopped: bool, commit: Mapping[str, str]
) -> dict[str, TableVersion]:
    """Write repairs and quarantine, then clean; a stopped batch only takes away what clean held of it before."""
    clean = keys.table(dataset.name, "clean")
    versions = {}
    for stage, rows in (("repairs", found.repairs), ("quarantine", found.quarantine)):
        if stage == "quarantine" or dataset.repairs or rows.num_rows or lake.exists(keys.table(dataset.name, stage)):
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
        schemas={stage: getattr(found, stage).schema for stage in ("repairs", "quarantine", "clean")},
    )


def _excess(found: Split, limit: float, file: str) -> str:
    """Why too many rows are bad, with the most frequent reasons and their first rows; empty when they aren't."""
    if found.share <= limit:
        return ""
    top = [
        f"{reason} ({count} rows, such as row {', '.join(map(str, found.examples[reason]))})"
        for reason, count in list(found.reasons.items())[:TOP]
    ]
    bad = f"{found.quarantine.num_rows} of {found.rows_in} rows break the contract"
    return f"{file}: {bad}: {'; '.join(top)}; allowed: a share of {limit:g}; next: land a mended file of the same name"


def others(lake: Lake, dataset: Dataset) -> str | None:
    """The clean table as SQL, where its keys bind a new batch."""
    clean = keys.table(dataset.name, "clean")
    return lake.scan(clean) if dataset.key and lake.exists(clean) else None


def _file(lake: Lake, raw_table: str, batch: str) -> str:
    """The name of the landed file, as the commit of the raw batch carries it."""
    return next((commit["file"] for commit in reversed(lake.history(raw_table)) if "file" in commit), batch)
