"""The log of a service, replayed: what training would have in another way is found, field by field."""

import json
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.online import refresh
from mlops_assets.rooms.features.table import materialize
from mlops_assets.rooms.features.views import views
from mlops_assets.rooms.serve import checks
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.stores.lake import Lake
from mlops_assets_tests.rooms.features.conftest import BATCHES, Plans

ASKED = 30


def model(table: FeaturePlan, **serve: Any) -> ModelPlan:
    target = {"column": "late", "expression": "delay > 15"}
    spec = Model.model_validate({"name": "lateness", "target": target, "features": ["context"], "serve": serve})
    return ModelPlan.of(spec, {"context": table})


@pytest.fixture
def plan(lake: Lake, stores: Stores, plan_of: Plans) -> FeaturePlan:
    """Offline and online as a way leaves them."""
    plan = plan_of()
    for batch in BATCHES:
        materialize(lake, plan, batch)
        rows = lake.read("context/offline", batches=[batch])
        stores.online().put("context/online", plan.dataset.key, rows, time_column="event_time")
    refresh(lake, stores.online(), plan)
    return plan


def log(lake: Lake, plan: FeaturePlan, **changed: Any) -> None:
    """What a service logs that answered keys, one that nobody knows among them; the first row's inputs changed."""
    names, rows = plan.table.feature_names(), lake.read("context/offline").slice(0, ASKED).to_pylist()
    inputs = [{name: row[name] for name in names} for row in rows]
    inputs[0] |= changed
    inputs = [{name: float(v) if isinstance(v, int) else v for name, v in row.items()} for row in inputs]
    data = {
        "id": [*(row["id"] for row in rows), 9_999, None],
        "event_time": [*(row["event_time"] for row in rows), rows[0]["event_time"], rows[0]["event_time"]],
        "inputs": [json.dumps(row) for row in (*inputs, inputs[1], inputs[2])],
    }
    lake.write("lateness/predictions", pa.table(data), batch="online")


def said(stores: Stores, plan: ModelPlan) -> Any:
    """The outcome of the asset check."""
    [check] = [each for each in checks.build(plan) if "skew" in next(iter(each.check_keys)).name]
    return check.node_def.compute_fn.decorated_fn(stores)  # type: ignore[attr-defined]


def test_nothing_was_asked(stores: Stores, plan: FeaturePlan) -> None:
    assert said(stores, model(plan)).passed


def test_equal_features_pass_and_what_names_no_row_is_counted(lake: Lake, stores: Stores, plan: FeaturePlan) -> None:
    log(lake, plan)
    found = said(stores, model(plan))
    assert found.passed
    assert (found.metadata["requests"].value, found.metadata["unknown"].value) == (ASKED, 1)


def test_a_value_that_the_online_store_answers_in_another_way_is_caught(
    lake: Lake, stores: Stores, plan: FeaturePlan
) -> None:
    log(lake, plan)
    [view] = [view for view in views(plan.table) if "seats" in view.features]
    wrong = pa.table({"tail": ["N1"], "as_of": pa.nulls(1, pa.timestamp("us", "UTC")), "seats": [101.0]})
    stores.online().put(view.name, view.by, wrong, time_column="as_of")
    found = said(stores, model(plan))
    assert not found.passed
    assert "seats of" in found.description
    assert "offline 100.0, online 101.0" in found.description
    mismatches = [each for replay in checks.replayed(stores, model(plan)) for each in replay.mismatches]
    assert {each.feature for each in mismatches} == {"seats"}


def test_an_answer_given_by_a_value_that_training_does_not_have_is_caught(
    lake: Lake, stores: Stores, plan: FeaturePlan
) -> None:
    log(lake, plan, dist=-1.0)
    found = said(stores, model(plan))
    assert not found.passed
    assert found.metadata["mismatches"].value == 1
    assert found.description.startswith("- dist of (")
    assert said(stores, model(plan, privacy={"dist": "bucket"})).passed
