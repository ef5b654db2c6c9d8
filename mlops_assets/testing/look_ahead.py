"""The look-ahead audit of a feature table over a few rows of one's own, without a platform around it."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.features.look_ahead import Violation, audit
from mlops_assets.rooms.features.table import materialize
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.delta import DeltaLake

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = "all"


def look_aheads(
    table: FeatureTable, datasets: Iterable[Dataset], rows: "Mapping[str, pa.Table]", *, folder: Path | None = None
) -> list[Violation]:
    """The features that know more than could be known, each with what it should be.

    Every row is described anew, alone, from the past as it was known strictly at its event time.

    Args:
        table: the declaration.
        datasets: all that it names.
        rows: dataset to the rows of its clean table.
        folder: where the modules of its functions lie.

    Raises:
        SpecError: an expression names an outcome of its own row, or cannot be computed.
    """
    plan = FeaturePlan.of(table, {each.name: each for each in datasets}, place=Place(folder or Path()))
    with tempfile.TemporaryDirectory(prefix="mlops-look-ahead-") as home:
        lake = DeltaLake(Path(home))
        for name in plan.datasets:
            lake.write(keys.table(name, "clean"), rows[name], batch=_BATCH)
        materialize(lake, plan, _BATCH)
        return audit(lake, plan, _BATCH, sample=rows[table.dataset].num_rows)
