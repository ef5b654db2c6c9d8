"""A declaration as a snapshot keeps it: whole, and with its place in the code, so that the plan can be made again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import FeaturePlan, ModelPlan

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Declared:
    """A model, its feature tables and their datasets, as JSON.

    Attributes:
        model: the model's declaration.
        tables: of its feature tables, in order.
        datasets: by name.
        folder: of the declaration, below the root of the code; empty when no file holds it.
        package: of the declaration.
    """

    model: Mapping[str, Any]
    tables: tuple[Mapping[str, Any], ...]
    datasets: Mapping[str, Mapping[str, Any]]
    folder: str
    package: str

    @classmethod
    def of(cls, plan: ModelPlan, root: Path) -> Self:
        """Of a plan, whose code lies below a root."""
        folder = plan.place.folder.resolve()
        inside = folder.is_relative_to(root.resolve())
        return cls(
            model=plan.model.model_dump(mode="json"),
            tables=tuple(table.table.model_dump(mode="json") for table in plan.tables),
            datasets={dataset.name: dataset.model_dump(mode="json") for dataset in plan.datasets},
            folder=folder.relative_to(root.resolve()).as_posix() if inside else "",
            package=plan.place.package,
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """From a snapshot's text."""
        found = json.loads(text)
        return cls(**{**found, "tables": tuple(found["tables"])})

    def text(self) -> str:
        """As a snapshot keeps it; the order of what is declared is kept, as a model's columns follow it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def plan(self, root: Path) -> ModelPlan:
        """The plan again, with the code below a root."""
        datasets = {name: Dataset.model_validate(given) for name, given in self.datasets.items()}
        tables: Iterable[FeatureTable] = map(FeatureTable.model_validate, self.tables)
        plans = {table.name: FeaturePlan.of(table, datasets) for table in tables}
        place = Place(root / self.folder, self.package)
        return ModelPlan.of(Model.model_validate(self.model), plans, place=place)
