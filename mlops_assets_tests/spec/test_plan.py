"""Binding a spec to the specs that it names."""

from collections.abc import Mapping
from typing import Any

import pytest

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable, Join
from mlops_assets.spec.model import Evaluate, Model, Target
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.spec.source import Source


def dataset(name: str, key: tuple[str, ...] = ("id",)) -> Dataset:
    return Dataset(name=name, source=Source(files="x"), key=key)


def table(name: str, of: str = "flights", **columns: str) -> FeatureTable:
    return FeatureTable(name=name, dataset=of, columns=columns or {name: "x"})


def model(*features: str, slices: tuple[str, ...] = ()) -> Model:
    return Model(name="late", target=Target(column="late"), features=features, evaluate=Evaluate(slices=slices))


DATASETS = {"flights": dataset("flights"), "weather": dataset("weather", key=())}


def plans(*tables: FeatureTable) -> Mapping[str, FeaturePlan]:
    known = {**DATASETS, "trains": dataset("trains")}
    return {each.name: FeaturePlan.of(each, known) for each in tables}


def test_a_plan_holds_the_described_dataset_and_the_joined_ones() -> None:
    spec = table("a").model_copy(update={"joins": (Join(dataset="weather", on=("origin",), columns={"wind": "wind"}),)})
    plan = FeaturePlan.of(spec, DATASETS)
    assert list(plan.datasets) == ["flights", "weather"]
    assert plan.dataset is DATASETS["flights"]


def test_an_unknown_dataset_is_told_with_its_place_and_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"defs.yaml:3: unknown dataset 'flihgts'.*did you mean 'flights'"):
        FeaturePlan.of(table("a", of="flihgts"), DATASETS, where="defs.yaml:3")


def test_a_described_dataset_needs_a_key() -> None:
    with pytest.raises(SpecError, match="'weather', which has no key"):
        FeaturePlan.of(table("a", of="weather"), DATASETS)


def test_a_models_features_come_in_the_order_of_its_tables() -> None:
    plan = ModelPlan.of(model("b", "a"), plans(table("a", x="x", y="y"), table("b")))
    assert plan.features == ("b", "x", "y")
    assert plan.dataset.name == "flights"


def test_a_model_is_over_one_dataset() -> None:
    with pytest.raises(SpecError, match="different datasets; got: flights, trains"):
        ModelPlan.of(model("a", "b"), plans(table("a"), table("b", of="trains")))


def test_a_feature_comes_from_one_table() -> None:
    with pytest.raises(SpecError, match="gets a feature twice; got: x"):
        ModelPlan.of(model("a", "b"), plans(table("a", x="x"), table("b", x="x", y="y")))


def test_an_unknown_slice_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'carrier'"):
        ModelPlan.of(model("a", slices=("carier",)), plans(table("a", carrier="carrier")))


@pytest.mark.parametrize("serve", [
    {"sensitive": ("carier",)}, {"privacy": {"carier": "drop"}}, {"unknown_categories": {"carier": "allow"}},
])  # fmt: skip
def test_a_rule_of_privacy_for_a_misspelt_column_is_told_with_the_nearest(serve: dict[str, Any]) -> None:
    with pytest.raises(UnknownName, match="did you mean 'carrier'"):
        ModelPlan.of(served(**serve), plans(table("a", carrier="carrier")))


def test_a_key_is_kept_hashed_or_dropped_and_has_no_buckets() -> None:
    ModelPlan.of(served(sensitive=("id",)), plans(table("a", carrier="carrier")))
    with pytest.raises(SpecError, match="no range to put a key into buckets by; got: id; allowed: keep, hash, drop"):
        ModelPlan.of(served(privacy={"id": "bucket"}), plans(table("a", carrier="carrier")))


def served(**serve: Any) -> Model:
    return Model.model_validate({**model("a").model_dump(), "serve": serve})
