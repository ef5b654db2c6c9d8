"""What a user may declare, and what not."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlops_assets.spec.base import duration, reference
from mlops_assets.spec.dataset import Dataset, Outcomes, Period
from mlops_assets.spec.feature_table import Aggregation, FeatureTable, Join
from mlops_assets.spec.model import Model, Target
from mlops_assets.spec.source import Source

FLIGHTS = Dataset(name="flights", source=Source(files="f/*.csv"), key=("id",), event_time="at")


def table(**given: Any) -> FeatureTable:
    return FeatureTable(**{"name": "context", "dataset": "flights", "columns": {"distance": "distance"}, **given})


@given(st.integers(0, 10_000), st.sampled_from([("m", "minutes"), ("h", "hours"), ("d", "days"), ("w", "weeks")]))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: tuple[str, str]) -> None:
    assert duration(f"{number}{unit[0]}") == timedelta(**{unit[1]: number})


@pytest.mark.parametrize("wrong", ["", "1", "d", "1 day", "-1d", "1y", 7, 1.5])
def test_anything_else_is_no_duration(wrong: object) -> None:
    with pytest.raises(ValueError, match="15m"):
        duration(wrong)


@pytest.mark.parametrize("wrong", ["contract", "contract:", ":Flights", "a b:c", "contract:Flights.x", "../x:y"])
def test_a_reference_is_a_module_and_a_name(wrong: str) -> None:
    with pytest.raises(ValueError, match="module:name"):
        reference(wrong)


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FLIGHTS.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["Flights", "1st", "a-b", "a b", "", "a" * 64, "../x"])
def test_a_name_is_safe_in_files_tables_and_keys(name: str) -> None:
    with pytest.raises(ValidationError):
        Dataset(name=name, source=Source(files="x"))


def test_a_period_needs_an_event_time_and_a_real_time_zone() -> None:
    with pytest.raises(ValidationError, match="period needs event_time"):
        Dataset(name="flights", source=Source(files="x"), period=Period(every="month"))
    with pytest.raises(ValidationError, match="no such time zone: 'Mars/Base'"):
        Period(every="month", timezone="Mars/Base")


def test_a_feature_table_names_its_features_in_the_order_of_its_columns() -> None:
    spec = table(
        joins=(Join(dataset="weather", on=("origin",), columns={"wind": "wind"}),),
        aggregations=(
            Aggregation(name="late", of="late", by=("carrier",), over=(timedelta(days=7), timedelta(minutes=90))),
        ),
    )
    assert spec.feature_names() == ["distance", "wind", "late_7d", "late_90m"]
    assert spec.datasets() == ["flights", "weather"]


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="'distance' is declared twice"):
        table(joins=(Join(dataset="weather", on=("origin",), columns={"distance": "x"}),))


def test_a_feature_table_needs_a_feature_and_a_model_a_feature_table() -> None:
    with pytest.raises(ValidationError, match="needs a feature"):
        table(columns={})
    with pytest.raises(ValidationError, match="needs a feature table"):
        Model(name="late", target=Target(column="late"), features=())


@pytest.mark.parametrize(
    "spec",
    [
        FLIGHTS,
        FLIGHTS.model_copy(update={"outcomes": Outcomes(known_at="landed", columns=("late",))}),
        table(joins=(Join(dataset="weather", on=("origin",), columns={"wind": "wind"}, ttl=timedelta(hours=6)),)),
        Model(name="late", target=Target(column="late", known_after=timedelta(days=1)), features=("context",)),
    ],
)
def test_a_spec_survives_json(spec: Dataset | FeatureTable | Model) -> None:
    assert type(spec).model_validate(json.loads(spec.model_dump_json())) == spec


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({}, None),
        ({"task": "multiclass"}, "multiclass"),
        ({"objective": "roc_auc"}, "binary"),
        ({"objective": "mae"}, "regression"),
        ({"objective": "macro_f1"}, "multiclass"),
        ({"objective": "log_loss"}, None),
    ],
)
def test_a_declaration_tells_its_task_where_it_can(declared: dict[str, Any], told: str | None) -> None:
    assert (
        Model.model_validate({"name": "m", "target": {"column": "y"}, "features": ["f"], **declared}).told_task == told
    )


def test_an_objective_may_be_the_users_own_metric() -> None:
    own = {"metrics": {"cost": {"function": "money:cost"}}, "objective": "cost", "task": "binary"}
    assert Model.model_validate({"name": "m", "target": {"column": "y"}, "features": ["f"], **own}).objective == "cost"
