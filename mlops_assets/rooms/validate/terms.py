"""The terms on which a batch is judged: its contract, the repairs before it, and the keys that other batches hold."""

from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.frozen import frozen, place_of
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.repairing import Mends, Repairs
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def repairs_of(lake: Lake, dataset: Dataset, mends: Mends | None = None) -> Repairs:
    """What is declared, with the clean tables in which values are looked up."""
    tables = {name: keys.table(name, "clean") for name in dataset.looked_up}
    references = {name: lake.scan(table) for name, table in tables.items() if lake.exists(table)}
    return Repairs(dataset.repairs, references, mends or {})


def contract_of(plan: DatasetPlan, raw: "pa.Table", batch: str, home: Path, repairs: Repairs) -> Contract:
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
