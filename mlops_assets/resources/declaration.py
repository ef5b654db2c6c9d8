"""What every asset of the house declares: key, group, kinds, owners, tags and a code version that follows the code."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import dagster as dg

from mlops_assets import keys

WAY = "mlops/way"
"""Tag of the assets that one arrival of a dataset takes; the value is the dataset's name."""
RETRAIN = "mlops/retrain"
"""Tag of the assets that one retraining makes; the value is the model's name."""

Materialized = dg.MaterializeResult[None]
"""An asset was made; nothing is passed in memory."""
Events = Iterator[Materialized | dg.AssetCheckResult]
"""What the body of an asset yields."""


def asset_spec(
    noun: str,
    stage: str,
    *,
    room: str,
    description: str,
    deps: Iterable[keys.Key] = (),
    kinds: Iterable[str] = (),
    owners: Sequence[str] = (),
    way: str = "",
    retrain: str = "",
    partitions_def: dg.PartitionsDefinition | None = None,
    configuration: str = "",
    skippable: bool = False,
    freshness_policy: dg.FreshnessPolicy | None = None,
) -> dg.AssetSpec:
    """The one way in which an asset of the platform is declared.

    Args:
        noun: the declared name; also the asset's group.
        stage: of the noun, as in `keys`.
        description: what it holds, for its reader in the UI.
        deps: the keys of the assets that it is made from.
        kinds: what it is made with or of, as the UI's icons know it.
        owners: people or teams; the house's own team when nobody is named.
        partitions_def: a batch each, on an arrival's way.
        skippable: whether a run may end without making it.
        freshness_policy: how old it may become.
        room: the room whose code makes the asset; its text is part of the code version.
        configuration: whatever else the result depends on, such as the spec as JSON.
        way: the dataset on whose arrival the asset is made.
        retrain: the model on whose retraining the asset is made.
    """
    tags = {WAY: way} if way else {}
    if retrain:
        tags[RETRAIN] = retrain
    return dg.AssetSpec(
        key=dg.AssetKey(list(keys.key(noun, stage))),
        deps=[dg.AssetKey(list(dep)) for dep in deps],
        group_name=noun,
        description=description,
        kinds=set(kinds),
        owners=list(owners) or ["team:mlops"],
        tags=tags,
        code_version=code_version(room, configuration),
        partitions_def=partitions_def,
        skippable=skippable,
        freshness_policy=freshness_policy,
    )


def batches(dataset: str) -> dg.DynamicPartitionsDefinition:
    """A dataset's partitions: one a batch."""
    return dg.DynamicPartitionsDefinition(name=keys.partitions(dataset))


def code_version(room: str, configuration: str = "") -> str:
    """Of a room's code and a configuration: 12 hex digits that change when either does."""
    return hashlib.sha256(f"{_room_digest(room)}\n{configuration}".encode()).hexdigest()[:12]


@cache
def _room_digest(room: str) -> str:
    found = find_spec(f"mlops_assets.rooms.{room}")
    if found is None or found.origin is None:
        raise ValueError(f"no room {room!r}")
    digest = hashlib.sha256()
    for file in sorted(Path(found.origin).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
