"""What each feature means, as a digest kept with every batch; a change of what a released model uses is told."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlops_assets import keys
from mlops_assets.rooms.features.compile import Compiled, compile_features, own
from mlops_assets.rooms.features.online import empty
from mlops_assets.rooms.features.relations import known_at, moment
from mlops_assets.spec.feature_table import window_name
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage

COMMITTED = "definitions"
"""The name under which a commit of an offline table carries its features' digests."""

Definitions = Mapping[str, str]
"""Feature to the digest of its meaning, 12 hex digits."""


@dataclass(frozen=True)
class User:
    """A released model that was trained on a feature table.

    Attributes:
        model: name.
        version: the released one.
        table_version: of the offline table that it was trained on.
    """

    model: str
    version: int
    table_version: int


@dataclass(frozen=True)
class Change:
    """A feature that means something else than what released models were trained on.

    Attributes:
        feature: its name.
        gone: whether it is no longer declared.
        users: the models that use it.
    """

    feature: str
    gone: bool
    users: tuple[User, ...]


def definitions(lake: Lake, plan: FeaturePlan) -> Definitions:
    """The digest of each feature's meaning: its expression, where its rows come from, and when they are known.

    Raises:
        NotFound: a dataset has no clean table yet.
        SpecError: a feature cannot be computed.
    """
    with sql.session() as connection:
        compiled = compile_features(connection, plan, empty(lake, plan))
    found = {name: _digest(_own(compiled, name)) for name in own(plan.table)}
    for join in plan.table.joins:
        behind = committed(lake, join.table) if join.table else {}
        theirs = moment(plan.joined(join))
        for name in join.feature_names():
            limit = plan.table.age_limit(join, name)
            parts = (*join.source, *join.on, compiled.bound.expressions[name], theirs, str(limit), str(sorted(behind)))
            found[name] = _digest((*parts, *(behind[each] for each in sorted(behind))))
    for aggregation in plan.table.aggregations:
        source = plan.table.counted(aggregation)
        counted, known = compiled.bound.counted[aggregation], known_at(plan.datasets[source])
        for over in aggregation.over:
            parts = (source, aggregation.stat, counted, *aggregation.by, str(over), known)
            found[window_name(aggregation, over)] = _digest(parts)
    return found


def committed(lake: Lake, table: str, version: int | None = None) -> Definitions:
    """What the features of a table's version meant; empty where the commits do not tell."""
    offline = keys.table(table, "offline")
    if not lake.exists(offline):
        return {}
    for record in reversed(lake.history(offline)):
        if COMMITTED in record and (version is None or int(record["number"]) <= version):
            found: dict[str, str] = json.loads(record[COMMITTED])
            return found
    return {}


def users(lineage: Lineage, table: str) -> list[User]:
    """The released models that were trained on a feature table, by name."""
    released = {record.subject: int(record.body["version"]) for record in lineage.records("release")}
    offline = keys.table(table, "offline")
    return [
        User(model, version, int(snapshot.body["inputs"][offline][0]))
        for model, version in sorted(released.items())
        for snapshot in lineage.records("snapshot", model)
        if snapshot.body["version"] == version and offline in snapshot.body["inputs"]
    ]


def changes(lake: Lake, lineage: Lineage, table: str, now: Definitions) -> list[Change]:
    """The features that mean something else than what released models were trained on."""
    using: dict[str, list[User]] = {}
    for user in users(lineage, table):
        for feature, digest in committed(lake, table, user.table_version).items():
            if now.get(feature) != digest:
                using.setdefault(feature, []).append(user)
    return [Change(feature, feature not in now, tuple(models)) for feature, models in sorted(using.items())]


def _own(compiled: Compiled, name: str) -> tuple[str, ...]:
    return (compiled.plan.table.dataset, compiled.bound.expressions[name])


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
