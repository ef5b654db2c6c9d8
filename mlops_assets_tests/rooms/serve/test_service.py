"""The service as its callers see it: answers, ids, explanations, pages, and mistakes told without a value."""

import io
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_assets.rooms.release import onnx
from mlops_assets.rooms.train.candidates import hist_gradient_boosting
from mlops_assets.rooms.train.inputs import features_of, frame
from mlops_assets.settings import Settings
from mlops_assets.stores.prediction_log import read
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import BATCH, MODEL, PREDICT, ROW, Answer, ask

SECRET = "s3cret-value"


def expected(rows: pa.Table) -> list[float]:
    features = features_of(rows.schema, trips.FEATURES)
    found = onnx.expected(trained(hist_gradient_boosting).pipeline, frame(rows, features))
    return [float(score) for score in found[:, 1]]


def test_an_answer_is_the_models_and_has_an_id_and_a_version(url: str) -> None:
    first, second = ask(url, PREDICT, {"inputs": ROW}), ask(url, PREDICT, {"inputs": ROW})
    assert first.status == 200
    assert first.json.keys() == {"id", "model", "version", "score", "answer"}
    assert (first.json["model"], first.json["version"]) == (MODEL, 1)
    assert first.json["id"] != second.json["id"]
    [score] = expected(pa.table({name: [value] for name, value in ROW.items()}))
    assert first.json["score"] == pytest.approx(score, abs=1e-4)
    assert first.json["answer"] == (score >= 0.5)


def test_a_missing_value_is_null_and_an_id_of_the_callers_own_is_kept(url: str) -> None:
    answer = ask(url, PREDICT, {"inputs": {**ROW, "distance": None, "carrier": None}, "id": "mine-1"})
    assert answer.json["id"] == "mine-1"
    table = pa.table({**{name: [value] for name, value in ROW.items()}, "distance": pa.array([None], pa.float64())})
    table = table.set_column(table.column_names.index("carrier"), "carrier", pa.array([None], pa.string()))
    assert answer.json["score"] == pytest.approx(expected(table)[0], abs=1e-4)


def test_on_request_the_simple_model_explains(url: str) -> None:
    told = ask(url, PREDICT, {"inputs": ROW, "explain": True}).json["explanation"]
    assert told["of"].startswith("a simpler linear model")
    assert told["terms"]["distance"] > 0.5
    assert told["sum"] == pytest.approx(told["intercept"] + sum(told["terms"].values()))


def test_a_key_alone_is_enough_where_the_features_are_online(url: str, where: Path) -> None:
    rows = trips.rows(50)
    answer = ask(url, PREDICT, {"key": {"trip": 7}})
    assert answer.json["score"] == pytest.approx(expected(rows)[7], abs=1e-4)
    assert ask(url, PREDICT, {"key": {"trip": 999}}).status == 404
    wrong = ask(url, PREDICT, {"key": {"trips": 7}})
    assert (wrong.status, wrong.json["errors"][0]["allowed"]) == (422, ["trip"])


@pytest.mark.parametrize("kind", ["json", "arrow stream", "arrow file", "parquet"])
def test_many_rows_come_in_any_of_these_forms(kind: str, url: str) -> None:
    rows = trips.rows(600).select(list(trips.FEATURES)).replace_schema_metadata()
    distances = [None if math.isnan(value) else value for value in rows["distance"].to_pylist()]
    rows = rows.set_column(0, "distance", pa.array(distances))
    sink = io.BytesIO()
    mime = "application/vnd.apache.arrow.stream"
    if kind == "json":
        mime, content = "application/json", json.dumps({"instances": rows.to_pylist()}).encode()
    elif kind == "parquet":
        mime = "application/vnd.apache.parquet"
        pq.write_table(rows, sink)
        content = sink.getvalue()
    else:
        maker = pa.ipc.new_stream if kind == "arrow stream" else pa.ipc.new_file
        with maker(sink, rows.schema) as writer:
            writer.write_table(rows)
        content = sink.getvalue()
    answer = ask(url, BATCH, content, kind=mime)
    assert answer.status == 200, answer.body
    said = answer.json["predictions"]
    assert len({each["id"] for each in said}) == 600
    assert [each["score"] for each in said] == pytest.approx(expected(rows), abs=1e-4)


def test_the_models_the_card_and_the_health_are_told(url: str) -> None:
    [model] = ask(url, "/v1/models").json["models"]
    assert model == {"name": MODEL, "version": 1, "engine": "onnx", "task": "binary", "challengers": []}
    told = ask(url, f"/v1/models/{MODEL}").json
    assert [entry["name"] for entry in told["schema"]] == list(trips.FEATURES)
    card = ask(url, f"/v1/models/{MODEL}/card")
    assert b"card 1" in card.body
    assert "default-src 'none'" in card.headers["content-security-policy"]
    assert ask(url, "/readyz").json["ready"] is True


def test_the_example_of_the_openapi_document_is_answered(url: str) -> None:
    document = ask(url, "/openapi.json").json
    for path in (PREDICT, BATCH):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert ask(url, path, content["example"]).status == 200
    told = document["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]["example"]["inputs"]
    schema = {entry["name"]: entry for entry in ask(url, f"/v1/models/{MODEL}").json["schema"]}
    middle = (schema["noise"]["minimum"] + schema["noise"]["maximum"]) / 2
    assert told["noise"] == pytest.approx(middle, abs=0.01), "what the log may not keep is nobody's own here either"


def test_the_metrics_count_requests_answers_and_scores(url: str) -> None:
    before = figure(url, 'mlops_requests_total{model="late_trips",role="champion",status="200",version="1"}')
    ask(url, PREDICT, {"inputs": ROW})
    assert ask(url, PREDICT, {"inputs": {}}).status == 422
    after = figure(url, 'mlops_requests_total{model="late_trips",role="champion",status="200",version="1"}')
    assert after == before + 1
    assert figure(url, 'mlops_request_seconds_count{model="late_trips",version="1"}') >= after
    assert figure(url, 'mlops_live_version{model="late_trips",role="champion"}') == 1


def test_the_grafana_dashboard_asks_only_for_metrics_that_there_are(url: str, root: Path) -> None:
    ask(url, PREDICT, {"inputs": ROW})
    time.sleep(0.5)
    exposed = ask(url, "/metrics").body.decode()
    dashboard = json.loads((root / "docs" / "grafana" / "predictions.json").read_text())
    asked = {name for panel in dashboard["panels"] for name in re.findall(r"mlops_\w+", panel["targets"][0]["expr"])}
    assert len(asked) >= 8
    assert {name for name in asked if name not in exposed} == set()


def figure(url: str, name: str) -> float:
    for line in ask(url, "/metrics").body.decode().splitlines():
        if line.startswith(name):
            return float(line.rpartition(" ")[2])
    return 0.0


BAD: dict[str, tuple[Any, int, str, str]] = {
    "missing": ({"inputs": {k: v for k, v in ROW.items() if k != "rain"}}, 422, "inputs.rain", "missing"),
    "extra": ({"inputs": {**ROW, "speed": 1}}, 422, "inputs.speed", "unknown field"),
    "text for a number": ({"inputs": {**ROW, "rain": SECRET}}, 422, "inputs.rain", "not a number"),
    "a truth for a number": ({"inputs": {**ROW, "rain": True}}, 422, "inputs.rain", "not a number"),
    "a number for text": ({"inputs": {**ROW, "origin": 7}}, 422, "inputs.origin", "not text"),
    "unknown category": ({"inputs": {**ROW, "origin": SECRET}}, 422, "inputs.origin", "unknown category"),
    "null": ({"inputs": {**ROW, "rain": None}}, 422, "inputs.rain", "null"),
    "beyond float32": ({"inputs": {**ROW, "rain": 1e39}}, 422, "inputs.rain", "out of range"),
    "an integer beyond any float": ({"inputs": {**ROW, "rain": 10**400}}, 422, "inputs.rain", "out of range"),
    "beyond float64": (json.dumps({"inputs": ROW}).replace("0.5", "1e999").encode(), 422, "", "too large"),
    "NaN": (json.dumps({"inputs": {**ROW, "rain": float("nan")}}).encode(), 400, "", "not JSON"),
    "infinity": (json.dumps({"inputs": {**ROW, "rain": float("-inf")}}).encode(), 400, "", "not JSON"),
    "no JSON": (SECRET.encode(), 400, "", "not JSON"),
    "half": (b'{"inputs": {', 400, "", "not JSON"),
    "empty": (b"", 400, "", "not JSON"),
    "no UTF-8": (b'{"inputs": "\xff\xfe"}', 400, "", "not JSON"),
    "deep": (b'{"inputs": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}", 400, "", "nested too deeply"),
    "a list": ([ROW], 422, "", "not an object"),
    "neither": ({"explain": True}, 422, "inputs", "either"),
    "both": ({"inputs": ROW, "key": {"trip": 1}}, 422, "inputs", "either"),
    "a wild id": ({"inputs": ROW, "id": "a b\n"}, 422, "id", "wrong type or form"),
    "40 MB": (b'{"inputs": "' + b"x" * 40_000_000 + b'"}', 413, "", "too large"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_told_with_field_and_problem_and_without_its_value(case: str, url: str) -> None:
    body, status, field, problem = BAD[case]
    try:
        answer = ask(url, PREDICT, body)
    except (BrokenPipeError, ConnectionResetError):
        assert status == 413  # refused by its length, before the client had sent it all
        return
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    [told] = [each for each in answer.json["errors"] if each["field"] == field][:1]
    assert problem in told["problem"]
    assert SECRET.encode() not in answer.body
    assert b"Traceback" not in answer.body


def test_no_value_reaches_the_services_own_log_its_metrics_or_its_pages(url: str, where: Path) -> None:
    for body in ({"inputs": {**ROW, "rain": SECRET}}, {"key": {"trip": SECRET}}, {"inputs": ROW, "id": SECRET * 9}):
        assert ask(url, PREDICT, body).status in (404, 422)
    told = {"id": "x", "model": MODEL, "label": SECRET, "who": SECRET}
    assert ask(url, "/v1/feedback", told).status == 422
    assert SECRET not in (where / "serve.log").read_text()
    for path in ("/metrics", "/readyz", "/openapi.json", "/docs", f"/v1/models/{MODEL}"):
        assert SECRET.encode() not in ask(url, path).body


def test_every_mistake_of_a_row_is_told_at_once(url: str) -> None:
    answer = ask(url, PREDICT, {"inputs": {"distance": "far", "rain": None, "speed": 1}})
    assert {each["field"] for each in answer.json["errors"]} == {
        f"inputs.{name}" for name in ("speed", "distance", "rain", "noise", "carrier", "origin")
    }


def test_a_wrong_row_among_many_is_named(url: str) -> None:
    answer = ask(url, BATCH, {"instances": [ROW, {**ROW, "origin": SECRET}]})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "instances[1].origin")
    rows = pa.table({name: [value] for name, value in {**ROW, "rain": float("inf")}.items()})
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    answer = ask(url, BATCH, sink.getvalue(), kind="application/vnd.apache.parquet")
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "rain")
    assert ask(url, BATCH, b"PAR1 or so", kind="application/vnd.apache.parquet").status == 400
    stream = "application/vnd.apache.arrow.stream"
    assert ask(url, BATCH, b"", kind=stream).status == 400
    whole = streamed(pa.table({name: [value] for name, value in ROW.items()}))
    for broken in (whole[:-30], whole.replace(b"distance", b"dist\xffnce"), whole.replace(b"AA", b"\xff\xfe")):
        answer = ask(url, BATCH, broken, kind=stream)
        assert (answer.status, b"cannot be read as" in answer.body) == (400, True)
    none = streamed(pa.table({name: [value] for name, value in ROW.items()})[:0])
    assert ask(url, BATCH, none, kind=stream).json == {"predictions": []}


def streamed(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue()


def test_other_methods_types_and_paths_are_refused(url: str) -> None:
    assert ask(url, PREDICT).status == 405
    assert ask(url, PREDICT, {}, method="PUT").status == 405
    assert ask(url, PREDICT, b"{}", kind="text/plain").status == 415
    assert ask(url, "/v1/models/other:predict", {"inputs": {}}).json["errors"][0]["allowed"] == [MODEL]
    assert ask(url, "/nowhere").status == 404
    assert ask(url, "/v1/models/../../etc/passwd").status == 404


def logged(where: Path) -> list[dict[str, Any]]:
    folder = Settings(where).prediction_log / MODEL
    return [record for path in sorted(folder.glob("*-*.*")) for record in read(path).records]


def test_what_was_answered_is_in_the_log_under_the_privacy_of_each_column(url: str, where: Path) -> None:
    answer: Answer = ask(url, PREDICT, {"inputs": ROW})
    [record] = [record for record in logged(where) if record["id"] == answer.json["id"]]
    assert record["in"].keys() == {"distance", "rain", "noise", "carrier"}
    assert record["in"]["distance"] == 1.5
    assert record["in"]["carrier"] != "AA"
    assert " to " in record["in"]["noise"]
    assert (record["v"], record["role"], record["score"]) == (1, "champion", answer.json["score"])
    assert record["us"] > 0
    assert abs(record["t"] / 1e6 - time.time()) < 60


def test_the_log_tells_the_key_and_the_age_of_looked_up_features(url: str, where: Path) -> None:
    answer = ask(url, PREDICT, {"key": {"trip": 3}})
    [record] = [record for record in logged(where) if record["id"] == answer.json["id"]]
    assert record["key"] == {"trip": 3}
    assert record["age"] > 0


def test_feedback_is_taken_and_judged(url: str) -> None:
    name = ask(url, PREDICT, {"inputs": ROW}).json["id"]
    assert ask(url, "/v1/feedback", {"id": name, "model": MODEL, "label": 1}).json == {"accepted": 1}
    many = {"feedback": [{"id": name, "model": MODEL, "label": True}, {"id": name, "model": MODEL, "label": None}]}
    assert ask(url, "/v1/feedback", many).status == 202
    wrong = ask(url, "/v1/feedback", {"id": name, "model": MODEL, "label": 7})
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "label")
    assert ask(url, "/v1/feedback", {"id": name, "model": "other", "label": 1}).status == 404
    assert ask(url, "/v1/feedback", {"id": name}).status == 422
    assert ask(url, "/v1/feedback", b"[" * 100_000).status == 400
