"""A question over HTTP by what a request holds: its columns make features, and its entities are looked up."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.lookup import Lookup, recipes
from mlops_assets.rooms.features.online import refresh
from mlops_assets.rooms.features.recipe import Recipe
from mlops_assets.rooms.features.table import materialize
from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.rooms.train.inputs import features_of, frame
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import bundle as bytes_of
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.prediction_log import read
from mlops_assets.stores.registry import Bundle, ModelVersion
from mlops_assets_tests.rooms.features.conftest import BATCHES, START, Plans
from mlops_assets_tests.rooms.serve.running import Answer, ask, service

PREDICT = "/v1/models/lateness:predict"
BATCH = "/v1/models/lateness:predictBatch"
REQUEST = {"origin": "EWR", "tail": "N2", "dist": 5}


@pytest.fixture
def model(lake: Lake, stores: Stores, plan_of: Plans) -> ModelPlan:
    """A model over features that are looked up by entity; the newest data is of two hours ago."""
    for name, batches in {"flights/clean": BATCHES, "weather/clean": ("2013",)}.items():
        for batch in batches:
            lake.write(name, moved(lake.read(name, batches=[batch])), batch=batch)
    plan = plan_of(online={"rows": False})
    for batch in BATCHES:
        materialize(lake, plan, batch)
    refresh(lake, stores.online(), plan)
    target = {"column": "late", "expression": "delay > 15"}
    spec = Model.model_validate({"name": "lateness", "target": target, "features": ["context"]})
    return ModelPlan.of(spec, {"context": plan})


def moved(rows: pa.Table) -> pa.Table:
    by = pa.scalar(datetime.now(UTC) - timedelta(days=12, hours=2) - START, pa.duration("us"))
    for place, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(place, field.name, pc.add(rows[field.name], by))
    return rows


def version(lake: Lake, plan: ModelPlan) -> Bundle:
    rows = lake.read("context/offline")
    labels = pa.array([number % 2 for number in range(rows.num_rows)], pa.float64())
    features = features_of(rows.schema, plan.features)
    pipeline = logistic(features, 0).fit(frame(rows, features), labels.to_numpy())
    told = {"features": [{"name": f.name, "kind": f.kind} for f in features], "threshold": 0.5, "task": "binary"}
    reference = BytesIO()
    scores = pipeline.predict_proba(frame(rows, features))[:, 1]
    pq.write_table(rows.append_column("label", labels).append_column("score", pa.array(scores)), reference)
    files = {"manifest.json": json.dumps(told).encode(), "reference.parquet": reference.getvalue()}
    return Bundle(ModelVersion("lateness", 1, "run", "digest"), pipeline, files, bytes_of.dumps(pipeline))


@pytest.fixture
def url(lake: Lake, stores: Stores, model: ModelPlan, tmp_path: Path) -> Iterator[str]:
    store = stores.serving()
    digest = bundle.put(store, version(lake, model), model, card="", recipes=recipes(lake, model))
    store.release("lateness", digest, evidence="test")
    with service(tmp_path) as running:
        yield running.url


def logged(stores: Stores, answer: Answer) -> Any:
    folder = stores.settings().prediction_log / "lateness"
    found = [record for path in folder.iterdir() if path.is_file() for record in read(path).records]
    [record] = [record for record in found if record["id"] == answer.json["id"]]
    return record


def test_a_recipe_comes_back_from_json_as_it_was(lake: Lake, model: ModelPlan) -> None:
    [recipe] = recipes(lake, model)
    assert Recipe.from_body(json.loads(json.dumps(recipe.body()))) == recipe


def test_a_request_is_answered_by_what_is_looked_up_for_it(
    url: str, lake: Lake, stores: Stores, model: ModelPlan
) -> None:
    answer = ask(url, PREDICT, {"key": {**REQUEST, "id": 7}})
    assert answer.status == 200, answer.body
    record = logged(stores, answer)
    [expected] = Lookup.of(lake, stores.online(), model.tables[0]).of_requests([REQUEST])
    assert record["in"] == pytest.approx(expected.values)
    assert None not in record["in"].values()
    assert record["key"] == {"id": 7}
    ages = [age.total_seconds() for age in expected.ages.values() if age is not None]
    assert record["age"] == pytest.approx(max(ages), abs=60)
    assert ask(url, PREDICT, {"inputs": record["in"]}).json["score"] == answer.json["score"]

    lacking = ask(url, PREDICT, {"key": {"id": 7, "origin": "EWR"}})
    assert lacking.status == 422
    assert "lacks dist, tail" in lacking.json["errors"][0]["problem"]
    assert ask(url, PREDICT, {"key": {**REQUEST, "more": 1}}).status == 422
    assert ask(url, PREDICT, {"key": {**REQUEST, "dist": "far"}}).status == 422
    assert ask(url, PREDICT, {"key": {**REQUEST, "dist": 10**30}}).status == 422
    unknown = ask(url, PREDICT, {"key": {**REQUEST, "tail": "N77"}})
    assert (unknown.status, unknown.json["errors"][0]["field"]) == (422, "key.route")

    many = ask(url, BATCH, {"keys": [{**REQUEST, "id": number} for number in range(40)]})
    assert {each["score"] for each in many.json["predictions"]} == {answer.json["score"]}
    sink = BytesIO()
    pq.write_table(pa.Table.from_pylist([REQUEST] * 3), sink)
    told = ask(url, BATCH, sink.getvalue(), kind="application/vnd.apache.parquet").json["predictions"]
    assert [each["score"] for each in told] == [answer.json["score"]] * 3
    wrong = ask(url, BATCH, {"keys": [REQUEST, {**REQUEST, "dist": "far"}, {**REQUEST, "tail": "N77"}, {}]})
    assert wrong.status == 422
    assert [each["field"] for each in wrong.json["errors"]] == ["keys[1]", "keys[2].route", "keys[3]"]


def test_ages_count_from_the_newest_data_where_its_clock_is_declared(
    lake: Lake, stores: Stores, plan_of: Plans
) -> None:
    found = {}
    for told in ("wall", "data"):
        plan = plan_of(online={"rows": False, "clock": told})
        for batch in BATCHES:
            materialize(lake, plan, batch)
        refresh(lake, stores.online(), plan)
        [found[told]] = Lookup.of(lake, stores.online(), plan).of_requests([REQUEST])
    data, wall = ([age for age in found[told].ages.values() if age is not None] for told in ("data", "wall"))
    assert max(data) < timedelta(days=30) < timedelta(days=365) < min(wall)
    known = [found[told].values["delay_by_origin_2d"] for told in ("data", "wall")]
    assert known[0] is not None, "of 2013, and answered as it was then"
    assert known[1] is None


def test_a_column_as_it_is_needs_no_database(
    lake: Lake, stores: Stores, model: ModelPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = Lookup.of(lake, stores.online(), model.tables[0])
    assert set(lookup._plain) < set(lookup.recipe.own), "the fixture has features of both kinds"
    [expected] = lookup.of_requests([REQUEST])
    for name, (column, _) in lookup._plain.items():
        assert expected.values[name] == REQUEST[column]
    monkeypatch.setattr(lookup, "_plain", {})
    assert lookup.of_requests([REQUEST])[0].values == expected.values
