"""The two hooks of Dagster on which the nouns stand carry no promise: this is the promise."""

import inspect
import json
import subprocess
import sys

import dagster as dg
import pytest
from dagster.components.core import decl
from pydantic import RootModel

import mlops_assets
from mlops_assets.components.dataset import Dataset
from mlops_assets.components.feature_table import FeatureTable
from mlops_assets.components.model import Model
from mlops_assets.components.noun import Noun
from mlops_assets.spec.base import Spec

NOUNS: list[type[Noun[Spec]]] = [Dataset, FeatureTable, Model]  # type: ignore[list-item]


def test_dagster_still_loads_a_component_by_the_two_hooks() -> None:
    loading = inspect.getsource(decl.YamlDecl._load_component)
    assert "get_model_cls()" in loading
    assert ".load(" in loading
    assert "validate_python(component_file_model.attributes)" in inspect.getsource(decl)


@pytest.mark.parametrize("noun", NOUNS)
def test_tools_see_the_schema_of_the_spec(noun: type[Noun[Spec]]) -> None:
    schema = noun.get_model_cls().model_json_schema()
    assert set(schema["properties"]) == set(noun.spec_type.model_fields)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("noun", NOUNS)
def test_any_attributes_reach_load_which_judges_them(noun: type[Noun[Spec]]) -> None:
    taken = noun.get_model_cls().model_validate({"sorce": 1})
    assert isinstance(taken, RootModel)
    assert taken.root == {"sorce": 1}


def test_the_schema_of_a_join_takes_the_bare_key_that_yaml_reads_as_true() -> None:
    join = FeatureTable.get_model_cls().model_json_schema()["$defs"]["Join"]
    assert "on" not in join["required"]
    assert "additionalProperties" not in join


def test_dagsters_own_shortcut_makes_a_noun_from_a_dict() -> None:
    made = Dataset.from_attributes_dict(attributes={"name": "flights", "source": {"files": "x/*.csv"}})
    assert made.spec.source.files == "x/*.csv"


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_is_found_where_the_registry_looks(noun: type[Noun[Spec]]) -> None:
    assert getattr(mlops_assets, noun.__name__) is noun
    assert noun.__name__ in dir(mlops_assets)
    assert issubclass(noun, dg.Component)


def test_a_name_that_is_not_public_is_answered_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match="it has Dataset, FeatureTable, Model, build, read"):
        _ = mlops_assets.Datset


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, json, mlops_assets; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"dagster", "pydantic", "pandas", "duckdb", "pyarrow", "deltalake", "mlflow", "sklearn"}


def test_importing_the_components_imports_dagster_and_nothing_else_heavy() -> None:
    code = "import sys, json, mlops_assets; mlops_assets.Model; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"pandas", "duckdb", "pyarrow", "deltalake", "mlflow", "sklearn", "evidently", "pandera"}
