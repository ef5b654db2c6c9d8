"""What a noun needs to know of the others: a spec together with the specs that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable, Join
from mlops_assets.spec.model import Model
from mlops_assets.spec.place import Place

NOWHERE: Final = Place(Path())
"""Of a declaration that no file holds."""


@dataclass(frozen=True)
class Reader:
    """A model that reads a dataset, and the feature tables through which it does, joined ones among them."""

    model: Model
    tables: tuple[FeatureTable, ...]


@dataclass(frozen=True)
class DatasetPlan:
    """A dataset, where it is declared, and the models that read it."""

    dataset: Dataset
    place: Place = NOWHERE
    readers: tuple[Reader, ...] = ()

    @property
    def target(self) -> str | None:
        """SQL over its rows of what is to be predicted: as declared, or of the first model that predicts its rows."""
        if self.dataset.explore.target:
            return self.dataset.explore.target
        for reader in self.readers:
            if any(table.dataset == self.dataset.name for table in reader.tables):
                target = reader.model.target
                return target.expression or '"' + target.column.replace('"', '""') + '"'
        return None


@dataclass(frozen=True)
class FeaturePlan:
    """A feature table and its datasets, the described one first."""

    table: FeatureTable
    datasets: Mapping[str, Dataset]
    place: Place = NOWHERE
    tables: Mapping[str, Dataset] = field(default_factory=dict)
    """The joined feature tables, each as the dataset that its offline rows are."""

    @classmethod
    def of(
        cls,
        table: FeatureTable,
        datasets: Mapping[str, Dataset],
        *,
        where: str = "",
        place: Place = NOWHERE,
        tables: Mapping[str, FeatureTable] | None = None,
    ) -> Self:
        """Bind a table to its datasets, and to the other feature tables that it joins.

        Raises:
            UnknownName: it names a dataset or a feature table that nobody declared.
            SpecError: the described dataset has no key, or the table joins itself.
        """
        others = {name: other for name, other in (tables or {}).items() if name != table.name}
        for kind, named, known in (("dataset", table.datasets(), datasets), ("feature table", table.tables(), others)):
            for name in named:
                if name not in known:
                    raise UnknownName.among(kind, name, known, where=where)
        if not datasets[table.dataset].key:
            raise SpecError.of(
                f"{where}: feature table '{table.name}' describes dataset '{table.dataset}', which has no key",
                step=f"give dataset '{table.dataset}' a key",
            )
        joined = {name: _as_dataset(others[name], datasets, where) for name in table.tables()}
        return cls(table, {name: datasets[name] for name in table.datasets()}, place, joined)

    @property
    def dataset(self) -> Dataset:
        """The dataset whose rows are described."""
        return self.datasets[self.table.dataset]

    def joined(self, join: Join) -> Dataset:
        """The dataset whose rows are joined; a feature table's offline rows are one too."""
        return self.datasets[join.dataset] if join.dataset else self.tables[str(join.table)]


def _as_dataset(table: FeatureTable, datasets: Mapping[str, Dataset], where: str) -> Dataset:
    if table.dataset not in datasets:
        raise UnknownName.among("dataset", table.dataset, datasets, where=where)
    described = datasets[table.dataset]
    time = "event_time" if described.event_time else None
    return Dataset(name=table.name, source=described.source, key=described.key, event_time=time)


@dataclass(frozen=True)
class ModelPlan:
    """A model, its feature tables and their one dataset, and where it is declared."""

    model: Model
    tables: tuple[FeaturePlan, ...]
    place: Place = NOWHERE
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where each of its datasets is declared."""

    @classmethod
    def of(
        cls,
        model: Model,
        tables: Mapping[str, FeaturePlan],
        *,
        where: str = "",
        place: Place = NOWHERE,
        places: Mapping[str, Place] | None = None,
    ) -> Self:
        """Bind a model to its feature tables.

        Raises:
            UnknownName: it names a feature table that nobody declared.
            SpecError: the tables describe different datasets, or share a feature's name.
        """
        for name in model.features:
            if name not in tables:
                raise UnknownName.among("feature table", name, tables, where=where)
        plans = tuple(tables[name] for name in model.features)
        described = sorted({plan.table.dataset for plan in plans})
        if len(described) > 1:
            raise SpecError.of(
                f"{where}: the feature tables of model '{model.name}' describe different datasets",
                got=", ".join(described),
                allowed="feature tables over one dataset",
            )
        names = [name for plan in plans for name in plan.table.feature_names()]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise SpecError.of(f"{where}: model '{model.name}' gets a feature twice", got=", ".join(doubled))
        unknown = [column for column in (*model.evaluate.slices, *model.evaluate.groups) if column not in names]
        if unknown:
            raise UnknownName.among("feature to slice by", unknown[0], names, where=where)
        _served(model, names, plans[0].dataset, where)
        _splits(model, plans[0].dataset, where)
        _windows(model, plans[0].dataset, where)
        return cls(model, plans, place, dict(places or {}))

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def dataset(self) -> Dataset:
        """The dataset whose rows are predicted."""
        return self.tables[0].dataset

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Every dataset that its features come from, each once."""
        found = {name: dataset for plan in self.tables for name, dataset in plan.datasets.items()}
        return tuple(found.values())

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature's name, in the order of the model's input."""
        return tuple(name for plan in self.tables for name in plan.table.feature_names())


def _served(model: Model, features: Sequence[str], dataset: Dataset, where: str) -> None:
    """A rule of privacy for a name that nobody bears would leave the real one in the log."""
    serve, logged = model.serve, (*features, *dataset.key)
    for name in (*serve.sensitive, *serve.privacy):
        if name not in logged:
            raise UnknownName.among("column of the prediction log", name, logged, where=where)
    for name in serve.unknown_categories:
        if name not in features:
            raise UnknownName.among("feature", name, features, where=where)
    bucketed = [name for name in dataset.key if name not in features and serve.rule(name) == "bucket"]
    if bucketed:
        what = f"{where}: model '{model.name}' has no range to put a key into buckets by"
        raise SpecError.of(what, got=bucketed[0], allowed="keep, hash, drop")


def _splits(model: Model, dataset: Dataset, where: str) -> None:
    """Groups and time cannot both say where a split goes, and rows that are held out for ever are never learnt from."""
    if model.train.refit and dataset.event_time is None:
        raise SpecError.of(
            f"{where}: model '{model.name}' has train.refit, but the rows of dataset '{dataset.name}' have no event "
            "time: the same rows are held out for every version",
            step=f"leave train.refit out, or give dataset '{dataset.name}' an event_time",
        )
    if model.train.group is not None and dataset.event_time is not None:
        raise SpecError.of(
            f"{where}: model '{model.name}' has a train.group, but the rows of dataset '{dataset.name}' are split "
            "by their event time",
            got=model.train.group,
            step="leave train.group out: what comes later is held out, and a group may come again as it does in use",
        )


def _windows(model: Model, dataset: Dataset, where: str) -> None:
    """A stretch of time needs rows that have one."""
    if model.monitor.window.every is not None and dataset.event_time is None:
        raise SpecError.of(
            f"{where}: model '{model.name}' has windows of time, but the rows of dataset '{dataset.name}' have none",
            got=model.monitor.window.text,
            allowed="batch, or a number of rows such as 5000 rows",
            step=f"give dataset '{dataset.name}' an event_time",
        )
