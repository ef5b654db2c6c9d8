"""The terms on which a batch is judged: its contract, the repairs before it, and the keys that other batches hold."""

from pathlib import Path
from typing import Final

from mlops_assets import keys
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.frozen import frozen, place_of
from mlops_assets.rooms.validate.judgement import Raw
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.repairing import Mends, Repairs
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH, Lake

LARGE: Final = 2_000_000
"""Rows from which a batch is judged where it lies, and never held in memory as a whole."""


def raw_of(lake: Lake, table: str) -> Raw:
    """A raw batch: in memory, or, where it is large, as SQL after FROM."""
    relation = lake.scan(table)
    with sql.session() as connection:
        count = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
    return lake.read(table) if count < LARGE else f"(select * exclude ({BATCH}) from {relation})"


def repairs_of(lake: Lake, dataset: Dataset, mends: Mends | None = None) -> Repairs:
    """What is declared, with the clean tables in which values are looked up."""
    tables = {name: keys.table(name, "clean") for name in dataset.looked_up}
    references = {name: lake.scan(table) for name, table in tables.items() if lake.exists(table)}
    return Repairs(dataset.repairs, references, mends or {})


def contract_of(plan: DatasetPlan, raw: Raw, batch: str, home: Path, repairs: Repairs) -> Contract:
    """The contract that is declared, or else the one inferred from the first batch and frozen.

    Raises:
        SpecError: nothing answers to the declared name.
        ContractError: what answers is no contract.
    """
    if plan.dataset.contract:
        return from_pandera(plan.place.load(plan.dataset.contract))
    return frozen(place_of(plan, home), raw, plan.dataset, batch, repairs)


def others(lake: Lake, dataset: Dataset) -> str | None:
    """The clean table as SQL, where its keys bind a new batch."""
    clean = keys.table(dataset.name, "clean")
    return lake.scan(clean) if dataset.key and lake.exists(clean) else None
