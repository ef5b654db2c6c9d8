"""`dg scaffold defs`: a first declaration, written after a look at the data."""

from abc import abstractmethod
from typing import Generic, TypeVar

import click
import dagster as dg
from dagster.components.component_scaffolding import scaffold_component
from pydantic import BaseModel, Field

from mlops_assets.components import drafts
from mlops_assets.components.glance import Glance, look
from mlops_assets.errors import MlopsError, SpecError
from mlops_assets.settings import Settings


class LookOptions(BaseModel):
    """Where the data is, and what cannot be told from it."""

    source: str = Field("", description="a file or glob of parquet, CSV or JSON, relative to the platform's home")
    key: str = Field("", description="the columns that name a row: a,b; left out: found, or rows are numbered")
    event_time: str = Field("", description="the column with the moment of the event; left out: found")


class ModelOptions(LookOptions):
    """And what is to be predicted."""

    target: str = Field("", description="the column to predict: yes or no, one of a few classes, or a number")


class TableOptions(BaseModel):
    """The rows to describe."""

    dataset: str = Field("", description="the name of a declared dataset")


O = TypeVar("O", bound=BaseModel)  # noqa: E741 - options


class _Scaffolder(dg.Scaffolder[O], Generic[O]):
    @abstractmethod
    def text(self, name: str, options: O) -> str:
        """The documents."""

    def scaffold(self, request: dg.ScaffoldRequest[O]) -> None:
        """Write `defs.yaml`, or `component.py` as Dagster does.

        Raises:
            click.ClickException: an option is wrong; nothing is left behind.
        """
        if request.scaffold_format == "python":
            scaffold_component(request)
            return
        name = drafts.slug((request.target_path.parent if request.append else request.target_path).name)
        try:
            text = self.text(name, request.params)
        except MlopsError as error:
            if request.target_path.is_dir() and not any(request.target_path.iterdir()):
                request.target_path.rmdir()
            raise click.ClickException(str(error)) from None
        if request.append:
            with request.target_path.open("a", encoding="utf-8") as file:
                file.write(f"---\n{text}")
        else:
            (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


class DatasetScaffolder(_Scaffolder[LookOptions]):
    """`--source FILE [--key a,b] [--event-time COLUMN]`."""

    @classmethod
    def get_scaffold_params(cls) -> type[LookOptions]:
        """The options."""
        return LookOptions

    def text(self, name: str, options: LookOptions) -> str:
        """A dataset."""
        seen, key, event_time = _look(options)
        return _head("Dataset", name, seen) + drafts.dataset(name, seen, key, event_time)


class ModelScaffolder(_Scaffolder[ModelOptions]):
    """`--source FILE --target COLUMN [--key a,b] [--event-time COLUMN]`."""

    @classmethod
    def get_scaffold_params(cls) -> type[ModelOptions]:
        """The options."""
        return ModelOptions

    def text(self, name: str, options: ModelOptions) -> str:
        """A dataset, a feature table over it, and the model."""
        _required(options.target, "--target", "the column to predict")
        seen, key, event_time = _look(options)
        data, features = f"{name}_data", f"{name}_features"
        apart = [*key, options.target, *([event_time] if event_time else [])]
        documents = [
            drafts.dataset(data, seen, key, event_time),
            drafts.feature_table(features, data, seen, apart),
            drafts.model(name, features, seen, options.target, event_time),
        ]
        return _head("Model", name, seen) + "---\n".join(documents)


class FeatureTableScaffolder(_Scaffolder[TableOptions]):
    """`--dataset NAME`."""

    @classmethod
    def get_scaffold_params(cls) -> type[TableOptions]:
        """The options."""
        return TableOptions

    def text(self, name: str, options: TableOptions) -> str:
        """A feature table with one feature, and how the others are written."""
        _required(options.dataset, "--dataset", "the name of a declared dataset")
        return _TABLE.format(name=name, dataset=options.dataset)


def _look(options: LookOptions) -> tuple[Glance, list[str], str | None]:
    _required(options.source, "--source", "a file or glob of parquet, CSV or JSON")
    seen = look(options.source, Settings.from_env().home)
    key = [part.strip() for part in options.key.split(",") if part.strip()] or list(filter(None, [seen.key()]))
    for name in key:
        seen.column(name, "--key")
    if options.event_time and seen.column(options.event_time, "--event-time").kind != "time":
        raise SpecError.of(f"{seen.source}: '{options.event_time}' is no time", step="choose another --event-time")
    return seen, key, options.event_time or seen.event_time()


def _required(value: str, option: str, meaning: str) -> None:
    if not value:
        raise SpecError.of(f"{option} is needed", allowed=meaning)


def _head(kind: str, name: str, seen: Glance) -> str:
    command = f"dg scaffold defs mlops_assets.{kind} {name}"
    return (
        f"# Written by `{command}` after a look at {seen.source}: {seen.rows:,} rows, {len(seen.columns)} columns.\n"
        "# Edit it as you like: what is left out has a default.\n"
    )


_TABLE = """\
type: mlops_assets.FeatureTable
attributes:
  name: {name}
  dataset: {dataset}
  columns:  # feature: SQL over columns of {dataset} that are known at the event time
    example: "1"
  # joins:
  #   - dataset: another  # the newest row that was known at the event time
  #     on: [shared_column]
  #     columns: {{feature: column}}
  #     ttl: 6h
  # aggregations:
  #   - {{name: late_by_carrier, stat: mean, of: late, by: [carrier], over: [7d, 28d]}}  # of outcomes known by then
"""
