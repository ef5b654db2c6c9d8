"""Which versions of which tables something living was made of: a registered model, or what is trained on next."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mlops_assets.stores.log import Log

if TYPE_CHECKING:
    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry

INPUTS = "inputs"
"""In a snapshot, and in the commit of a table that was made of others: table to version and fingerprint."""


def reached(lake: "DeltaLake", lineage: "Lineage", registry: "Callable[[], Registry]") -> dict[str, set[int]]:
    """Table to the versions that must stay, whatever its retention says.

    They are those that the snapshot of a model version names which the registry still has, released or not, and those
    of which the newest version of a table was made.

    Args:
        lake: the tables.
        lineage: the snapshots.
        registry: opened only when there are snapshots.
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    snapshots = lineage.records("snapshot")
    living = _living({record.subject for record in snapshots}, registry)
    for record in snapshots:
        if (record.subject, record.body["version"]) in living:
            _add(found, record.body[INPUTS].items())
    for table in lake.tables():
        carried = Log.read(lake.path / table).versions[-1].info.get(INPUTS)
        if carried:
            _add(found, json.loads(carried).items())
    return dict(found)


def _living(models: set[str], registry: "Callable[[], Registry]") -> set[tuple[str, int]]:
    if not models:
        return set()
    opened = registry()
    return {(model, version.number) for model in models for version in opened.versions(model)}


def _add(found: defaultdict[str, set[int]], inputs: Iterable[tuple[str, list[int | str]]]) -> None:
    for table, (number, _) in inputs:
        found[table].add(int(number))
