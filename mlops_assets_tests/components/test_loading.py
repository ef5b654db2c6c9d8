"""Sound declarations, from YAML and from Python, become one graph."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import mlops_assets
from mlops_assets import keys
from mlops_assets.components.house import House
from mlops_assets.components.loading import load, module_name
from mlops_assets.components.noun import Noun
from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.resources import declaration
from mlops_assets.resources.stores import Stores
from mlops_assets.spec import dataset, feature_table, model
from mlops_assets.spec.source import Source

Write = Callable[..., Path]

IN_PYTHON = """\
import dagster as dg
from mlops_assets import Dataset
from mlops_assets.spec.dataset import Dataset as Spec
from mlops_assets.spec.source import Source


@dg.component_instance
def weather(context: dg.ComponentLoadContext){returns}:
    return Dataset(Spec(name="weather", source=Source(files="landing/weather/*.csv"), event_time="hour"))
"""
JOINED = """\
type: mlops_assets.FeatureTable
attributes:
  name: sky
  dataset: flights
  columns: {}
  joins:
    - dataset: weather
      on: [origin]
      columns: {wind: '"wind speed"'}
"""


def whole(defs: dg.Definitions) -> dg.Definitions:
    """The definitions with their resources, so that jobs and sensors resolve."""
    return dg.Definitions.merge(defs, dg.Definitions(resources={"stores": Stores()}))


def stages(defs: dg.Definitions, noun: str) -> set[str]:
    graph = whole(defs).resolve_asset_graph()
    return {key.path[1] for key in graph.get_all_asset_keys() if key.path[0] == noun}


def specs() -> tuple[dataset.Dataset, feature_table.FeatureTable, model.Model]:
    return (
        dataset.Dataset(name="flights", source=Source(files="f/*.csv"), key=("id",), event_time="at"),
        feature_table.FeatureTable(name="context", dataset="flights", columns={"distance": "distance"}),
        model.Model(name="late", target=model.Target(column="late"), features=("context",)),
    )


def test_three_documents_of_a_file_become_every_stage_of_their_nouns(defs: Path, write: Write) -> None:
    write()
    loaded = load(defs)
    assert stages(loaded, "flights") == set(keys.DATASET_STAGES)
    assert stages(loaded, "context") == set(keys.FEATURE_STAGES)
    assert stages(loaded, "late_flights") == set(keys.MODEL_STAGES)


def test_an_arrival_is_one_job_over_all_that_is_tagged_with_its_way(defs: Path, write: Write) -> None:
    write()
    loaded = whole(load(defs))
    made = {key.to_user_string() for key in loaded.resolve_job_def("flights_arrival").asset_layer.selected_asset_keys}
    graph = loaded.resolve_asset_graph()
    tagged = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if graph.get(key).tags.get(declaration.WAY) == "flights"
    }
    assert made == tagged
    assert {"flights/raw", "context/offline", "late_flights/predictions"} <= made


def test_a_retraining_is_one_job_from_the_training_set_to_the_champion(defs: Path, write: Write) -> None:
    write()
    job = whole(load(defs)).resolve_job_def("late_flights_retrain")
    made = {key.path[1] for key in job.asset_layer.selected_asset_keys}
    assert {"training_set", "challenger", "verdict", "champion"} <= made
    assert "predictions" not in made


def test_every_asset_points_to_the_line_of_its_declaration(defs: Path, write: Write) -> None:
    file = write()
    graph = whole(load(defs)).resolve_asset_graph()
    lines = {"flights": 1, "context": 8, "late_flights": 15}
    for key in graph.get_all_asset_keys():
        (reference,) = graph.get(key).metadata["dagster/code_references"].code_references
        assert isinstance(reference, dg.LocalFileCodeReference)
        assert (reference.file_path, reference.line_number) == (str(file), lines[key.path[0]])


@pytest.mark.parametrize("returns", [" -> Dataset", ""])
def test_a_noun_from_python_is_found_by_one_from_yaml(defs: Path, write: Write, returns: str) -> None:
    write()
    write(IN_PYTHON.format(returns=returns), "weather/component.py")
    write(JOINED, "sky/defs.yaml")
    loaded = load(defs)
    assert stages(loaded, "sky") == set(keys.FEATURE_STAGES)
    assert stages(loaded, "weather") == set(keys.DATASET_STAGES)


def test_the_mistake_of_a_noun_from_python_names_the_line_of_its_function(defs: Path, write: Write) -> None:
    contract = IN_PYTHON.format(returns="").replace('event_time="hour"', 'contract="contract:Weather"')
    write(contract, "weather/component.py")
    with pytest.raises(SpecError, match=r"defs/weather/component.py:7: no module 'contract'"):
        load(defs)


def test_environment_variables_are_filled_in_and_sql_stays_as_it_is(
    defs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP", "at_sea")
    text = write().read_text().replace("landing/flights", "'{{ env.SHOP }}/flights").replace("parquet", "parquet'")
    write(text.replace("distance: distance", "distance: '\"Distance km\"'"))
    read: dict[str, Any] = {}

    def definitions(noun: Noun[Any], _: House) -> dg.Definitions:
        read[noun.name] = noun.spec
        return dg.Definitions()

    monkeypatch.setattr(Noun, "definitions", definitions)
    load(defs)
    assert read["flights"].source.files == "at_sea/flights/*.parquet"
    assert read["context"].columns == {"distance": '"Distance km"'}


def test_the_same_specs_from_python_give_the_same_graph(defs: Path, write: Write) -> None:
    write()
    from_yaml, from_python = load(defs), mlops_assets.build(*specs())
    for noun, other in (("flights", "flights"), ("context", "context"), ("late_flights", "late")):
        assert stages(from_yaml, noun) == stages(from_python, other)


def test_components_may_be_given_in_place_of_specs() -> None:
    flights, context, late = specs()
    built = mlops_assets.build(mlops_assets.Dataset(flights), mlops_assets.FeatureTable(context), late)
    assert stages(built, "late") == set(keys.MODEL_STAGES)


def test_a_wrong_name_from_python_names_the_callers_line() -> None:
    flights, context, _ = specs()
    wrong = model.Model(name="late", target=model.Target(column="late"), features=("contxt",))
    with pytest.raises(UnknownName, match=r"test_loading.py:\d+: unknown feature table 'contxt'.*'context'"):
        mlops_assets.build(flights, context, wrong)


def test_an_installed_package_is_loaded_without_a_project_file(defs: Path, write: Write) -> None:
    write()
    assert not list(defs.parents[1].glob("*.toml"))
    assert module_name(defs) == f"{defs.parent.name}.defs"
    assert load(defs).jobs


def test_what_dagster_warns_itself_of_is_not_shown_and_every_other_warning_is(defs: Path, write: Write) -> None:
    write()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        declared = dg.Definitions.merge(load(defs), dg.Definitions(resources={"stores": Stores()}))
        declared.get_repository_def().get_all_jobs()
        declared.resolve_all_asset_specs()
        assert [str(found.message) for found in shown if issubclass(found.category, dg.BetaWarning)] == []
        warnings.warn("Parameter `execution_type` of ours", dg.BetaWarning, stacklevel=1)
    assert "of ours" in str(shown[-1].message)
