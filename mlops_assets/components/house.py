"""Everything that is declared, so that each noun finds the others by name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from mlops_assets.components.origin import Origin
from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.base import Spec
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import DatasetPlan, FeaturePlan, ModelPlan, Reader

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class House:
    """The declared specs by name, and where each stands."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    tables: Mapping[str, FeatureTable] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    origins: Mapping[tuple[type[Spec], str], Origin] = field(default_factory=dict)

    @classmethod
    def of(cls, declared: Iterable[tuple[Spec, Origin]]) -> Self:
        """Collect the specs.

        Raises:
            SpecError: two of a kind have the same name.
        """
        kinds: dict[type[Spec], dict[str, Spec]] = {Dataset: {}, FeatureTable: {}, Model: {}}
        origins: dict[tuple[type[Spec], str], Origin] = {}
        for spec, origin in declared:
            kind, name = type(spec), str(spec.name)  # type: ignore[attr-defined]  # each of the three has a name
            if name in kinds[kind]:
                raise SpecError.of(
                    f"{origin.at('name')}: {kind.__name__} '{name}' is declared twice",
                    got=f"first at {origins[kind, name].at('name')}",
                    step="give one of them another name",
                )
            kinds[kind][name] = spec
            origins[kind, name] = origin
        return cls(kinds[Dataset], kinds[FeatureTable], kinds[Model], origins)  # type: ignore[arg-type]  # sorted by kind above

    def dataset(self, name: str) -> DatasetPlan:
        """What the rooms need to know of a dataset.

        Raises:
            UnknownName: a repair looks a value up in a dataset that nobody declared.
        """
        spec, origin = self.datasets[name], self.origins[Dataset, name]
        for other in spec.looked_up:
            if other not in self.datasets:
                raise UnknownName.among("dataset", other, self.datasets, where=origin.at("repairs"))
        return DatasetPlan(spec, origin.place, tuple(self._readers(name)))

    def _readers(self, dataset: str) -> Iterator[Reader]:
        """The models that read a dataset through their feature tables, and through those that these join."""
        for model in self.models.values():
            named = [self.tables[name] for name in model.features if name in self.tables]
            behind = [self.tables[name] for table in named for name in table.tables() if name in self.tables]
            reading = tuple(table for table in (*named, *behind) if dataset in table.datasets())
            if reading:
                yield Reader(model, reading)

    def table(self, name: str) -> FeaturePlan:
        """What the rooms need to know of a feature table."""
        spec = self.tables[name]
        known = {f"dataset {each}" for each in self.datasets} | {
            f"table {each}" for each in self.tables if each != name
        }
        where = self._where(FeatureTable, name, list(_named(spec)), known, ("dataset",))
        place = self.origins[FeatureTable, name].place
        return FeaturePlan.of(spec, self.datasets, where=where, place=place, tables=self.tables)

    def model(self, name: str) -> ModelPlan:
        """What the rooms need to know of a model."""
        spec = self.models[name]
        plans = {table: self.table(table) for table in self.tables}
        named: list[tuple[Steps, str]] = [(("features", n), table) for n, table in enumerate(spec.features)]
        if all(table in plans for table in spec.features):
            features = {each for table in spec.features for each in plans[table].table.feature_names()}
            named = [(("evaluate", "slices", n), column) for n, column in enumerate(spec.evaluate.slices)]
            where = self._where(Model, name, named, features, ("features",))
        else:
            where = self._where(Model, name, named, plans, ("features",))
        places = {name: origin.place for (kind, name), origin in self.origins.items() if kind is Dataset}
        return ModelPlan.of(spec, plans, where=where, place=self.origins[Model, name].place, places=places)

    def waits_for(self, dataset: str) -> list[Dataset]:
        """The datasets that its repairs look up, and that the feature tables over it join: their batches go first."""
        over = [table for table in self.tables.values() if table.dataset == dataset]
        behind = [self.tables[name] for table in over for name in table.tables() if name in self.tables]
        needed = {name for table in (*over, *behind) for name in table.datasets()}
        names = (needed | set(self.datasets[dataset].looked_up)) - {dataset}
        return [self.datasets[name] for name in sorted(names) if name in self.datasets]

    def _where(
        self, kind: type[Spec], name: str, named: list[tuple[Steps, str]], known: Iterable[str], usual: Steps
    ) -> str:
        """The line of the first name that nothing answers to, or else the usual one."""
        known = set(known)
        return self.origins[kind, name].at(*next((path for path, each in named if each not in known), usual))


def _named(table: FeatureTable) -> Iterator[tuple[Steps, str]]:
    """What a feature table names, and where."""
    yield ("dataset",), f"dataset {table.dataset}"
    for number, join in enumerate(table.joins):
        kind, name = ("dataset", join.dataset) if join.dataset else ("table", join.table)
        yield ("joins", number, kind), f"{kind} {name}"
    for number, aggregation in enumerate(table.aggregations):
        yield ("aggregations", number, "dataset"), f"dataset {table.counted(aggregation)}"
