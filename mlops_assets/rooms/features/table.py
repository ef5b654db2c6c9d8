"""The offline feature table of a batch: computed as of each row's event time, and written so that it never varies."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.features.compile import compile_features
from mlops_assets.rooms.features.definitions import COMMITTED, Definitions, definitions
from mlops_assets.rooms.features.history import load
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake, TableVersion

if TYPE_CHECKING:
    import pyarrow as pa


def compute(lake: Lake, plan: FeaturePlan, batch: str) -> "pa.Table":
    """Key columns, event time and features of each clean row of a batch, ordered by event time and key.

    Raises:
        SpecError: a feature cannot be computed.
        NotFound: a dataset has no clean table yet.
    """
    with sql.session() as connection:
        relations = load(connection, lake, plan, batch)
        return compile_features(connection, plan, relations).compute(connection, relations)


def materialize(
    lake: Lake,
    plan: FeaturePlan,
    batch: str,
    *,
    meaning: Definitions | None = None,
    commit: Mapping[str, str] | None = None,
) -> TableVersion:
    """Compute a batch's features and write them to `<feature table>/offline`, with what each of them means.

    Args:
        lake: where the tables are.
        plan: the feature table.
        batch: of the described dataset.
        meaning: what `definitions` says of the plan, where that is known already.
        commit: what the commit carries beside it.
    """
    data = compute(lake, plan, batch)
    told = {COMMITTED: json.dumps(meaning or definitions(lake, plan))}
    return lake.write(keys.table(plan.table.name, "offline"), data, batch=batch, commit={**(commit or {}), **told})
