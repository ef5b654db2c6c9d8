"""The declared datasets, and which table of the lake a word on the command line means."""

from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import UnknownName

if TYPE_CHECKING:
    from mlops_assets.components.house import House
    from mlops_assets.spec.plan import DatasetPlan
    from mlops_assets.spec.retention import Retention
    from mlops_assets.stores.lake import Lake


def datasets() -> "dict[str, DatasetPlan]":
    """Every declared dataset by its name."""
    found = house()
    return {name: found.dataset(name) for name in sorted(found.datasets)}


def one(name: str) -> "DatasetPlan":
    """A declared dataset.

    Raises:
        UnknownName: there is none of this name.
    """
    known = datasets()
    if name not in known:
        raise UnknownName.among("dataset", name, known)
    return known[name]


def table(lake: "Lake", name: str) -> str:
    """The table that is meant: `flights` is `flights/clean`.

    Raises:
        UnknownName: there is none in the lake.
    """
    for meant in (name, keys.table(name, "clean")):
        if "/" in meant and lake.exists(meant):
            return meant
    raise UnknownName.among("table", name, lake.tables(), step="materialize the asset that makes it")


def retentions() -> "dict[str, Retention]":
    """Noun to what is declared of its tables' old versions."""
    found = house()
    return {
        **{name: dataset.retention for name, dataset in found.datasets.items()},
        **{name: table.retention for name, table in found.tables.items()},
        **{name: model.retention for name, model in found.models.items()},
    }


def house() -> "House":
    """Everything that is declared."""
    from mlops_assets.components.house import House
    from mlops_assets.components.noun import declared
    from mlops_assets.definitions import definitions

    tree = definitions().component_tree
    return House.of((noun.spec, origin) for noun, origin in declared(tree)) if tree else House()
