"""The life of a served model: released by the pipeline, asked, swapped, killed, ingested, compared, told the truth."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.compute as pc
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate import assets as evaluate
from mlops_assets.rooms.release import assets as release
from mlops_assets.rooms.release.promotion import latest_verdict
from mlops_assets.rooms.serve import assets as serve
from mlops_assets.rooms.serve.compare import LARGEST
from mlops_assets.rooms.serve.outcomes import labelled
from mlops_assets.rooms.serve.sensors import look
from mlops_assets.rooms.serve.shadow import QUEUE
from mlops_assets.rooms.serve.supervisor import Supervisor
from mlops_assets.rooms.train import assets as train
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.commands import declared, mlops, retrain
from mlops_assets_tests.rooms.serve.running import BATCH, MODEL, PREDICT, ROW, ask, service, until_answers
from mlops_assets_tests.rooms.serve.test_swap import Load, until, version

pytestmark = pytest.mark.journey
PLAN = trips.plan(train={"candidates": ("base_rate", "logistic")})
OTHER = trips.plan(train={"candidates": ("base_rate", "logistic"), "holdout": "27d"}, evaluate={"gates": ["objective"]})
"""Trained on a day more, and no better."""
ASKED = 10_000
SHADOWED = 'mlops_requests_total{model="late_trips",role="shadow"'
DROPPED = 'mlops_events_total{event="shadow_dropped"'


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """A home whose champion the pipeline has released."""
    found = Stores(home=str(tmp_path_factory.mktemp("home")))
    trips.fill(found.lake(), trips.rows())  # type: ignore[arg-type]  # the embedded lake
    assets = [asset for room in (train, evaluate, release) for asset in room.build(PLAN)]
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize(assets, resources={"stores": found}, instance=instance).success
    return found


@pytest.fixture(scope="module")
def running(stores: Stores) -> Iterator[Supervisor]:
    with service(stores.settings().home) as found:
        yield found


def lived(stores: Stores, running: Supervisor) -> set[str]:
    """Asked, swapped twice under load, killed, told the truth, challenged and ended; the ids that it acknowledged."""
    example = ask(running.url, "/openapi.json").json["paths"][PREDICT]["post"]["requestBody"]
    first = ask(running.url, PREDICT, example["content"]["application/json"]["example"]).json
    store = stores.serving()
    champion = store.released(MODEL)
    released = stores.registry().champion(MODEL)
    assert released is not None
    assert store.load(MODEL, champion).manifest["version"] == released.number == first["version"]
    load, other = released_and_rolled_back(stores, running)
    os.kill(running.workers[0].pid, signal.SIGKILL)
    running.workers[0].wait()
    running.tend()
    until_answers(running)
    again = ask(running.url, PREDICT, example["content"]["application/json"]["example"]).json
    assert again["score"] == first["score"]
    told = [{"id": answer.json["id"], "model": MODEL, "label": 1} for answer in load.answers]
    assert ask(running.url, "/v1/feedback", {"feedback": told}).json == {"accepted": len(told)}
    shadowed = in_the_shadow(stores, running, other)
    running.stop()
    return {answer.json["id"] for answer in load.answers} | {first["id"], again["id"]} | shadowed


def in_the_shadow(stores: Stores, running: Supervisor, other: str) -> set[str]:
    """More is asked at once than the other version keeps up with in the shadow; the ids, of which some are told."""
    stores.serving().challenge(MODEL, (other,), mode="shadow", share=LARGEST)
    until(lambda: ask(running.url, f"/v1/models/{MODEL}").json["challengers"] == [{"version": 2, "role": "shadow"}])
    rows = [{**ROW, "distance": place / ASKED} for place in range(ASKED)]
    answers = ask(running.url, BATCH, {"instances": rows}).json["predictions"]
    assert {answer["version"] for answer in answers} == {1}, "a shadow's answer reaches nobody"

    def counted(name: str) -> float:
        lines = ask(running.url, "/metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    drawn = ASKED * LARGEST
    until(lambda: counted(SHADOWED) >= QUEUE)
    until(lambda: abs(counted(SHADOWED) + counted(DROPPED) - drawn) < drawn / 4)
    assert counted(DROPPED) > 0
    told = [{"id": answer["id"], "model": MODEL, "label": True} for answer in answers]
    assert ask(running.url, "/v1/feedback", {"feedback": told}).json == {"accepted": ASKED}
    return {answer["id"] for answer in answers}


def released_and_rolled_back(stores: Stores, running: Supervisor) -> tuple[Load, str]:
    """A person releases another version under load, and takes it back; the load, and the other version's bundle."""
    home, said = stores.settings().home, ("--who", "Ada", "--reason", "the strike")
    retrain(home, OTHER)
    assert latest_verdict(stores.lineage(), MODEL).decision == "REJECT"
    alone = {1: ask(running.url, PREDICT, {"inputs": ROW}).json["score"]}
    with declared(home, PLAN), Load(running.url) as load:
        over = mlops(home, "promote", MODEL, "--override", "--version", "2", "--expires", "2d", *said)
        assert over.output.startswith(f"{MODEL} version 2 is champion: OVERRIDE by Ada, until ")
        until(lambda: version(running) == 2)
        other = stores.serving().released(MODEL)
        alone[2] = ask(running.url, PREDICT, {"inputs": ROW}).json["score"]
        back = mlops(home, "rollback", MODEL, *said)
        assert back.output == f"{MODEL} version 1 is champion: ROLLBACK by Ada\n"
        until(lambda: version(running) == 1)
    assert alone[1] != alone[2]
    assert load.lost == 0
    assert {answer.status for answer in load.answers} == {200}
    assert {answer.json["version"] for answer in load.answers} == {1, 2}
    assert all(answer.json["score"] == alone[answer.json["version"]] for answer in load.answers)
    return load, other


def test_nothing_acknowledged_is_lost_and_challenger_and_usage_are_reported(
    stores: Stores, running: Supervisor
) -> None:
    acknowledged = lived(stores, running)
    assert len(look(stores, PLAN).asset_events) == 2
    everything = stores.predictions().read(MODEL, batches=["online"])
    shadow = pc.equal(everything["role"], "shadow")
    rows, shadowed = everything.filter(pc.invert(shadow)), everything.filter(shadow)
    assert set(shadowed["prediction_id"].to_pylist()) <= acknowledged
    assert set(shadowed["model_version"].to_pylist()) == {2}
    assert acknowledged <= set(rows["prediction_id"].to_pylist())
    assert rows.num_rows == len(set(rows["prediction_id"].to_pylist()))
    joined = labelled(stores.lake(), MODEL)
    assert len(joined) == len(acknowledged) - 2, "each that was told of under load, and neither of the other two"
    assert set(joined["outcome"].to_pylist()) == {1.0}
    assert look(stores, PLAN).asset_events == [], "exactly once"
    privately(stores)
    reports = [asset for asset in serve.watched(PLAN) if {"shadow_report", "usage_report"} & set(stages(asset))]
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(reports, resources={"stores": stores}, instance=instance)
    [shadow] = done.asset_materializations_for_node(f"{MODEL}_shadow_report")
    figures = {name: value.value for name, value in shadow.metadata.items()}
    assert figures["challengers"] == 1
    assert figures["rows_v2"] == figures["labelled_v2"] == shadowed.num_rows >= QUEUE, (
        "what the shadow said, and no replay"
    )
    assert isinstance(figures["latency_ratio_v2"], float)
    assert figures["dropped_v2"] not in (0, None), "what it did not keep up with"
    assert isinstance(figures["loss_v2"], float)
    told = stores.lineage().latest("shadow", MODEL)
    assert told is not None
    assert (told.body["version"], told.body["champion"]) == (2, 1)
    [used] = done.asset_materializations_for_node(f"{MODEL}_usage_report")
    assert used.metadata["requests"].value == everything.num_rows
    assert Path(str(used.metadata["report_file"].value)).read_text().count("<tr>") >= 3


def privately(stores: Stores) -> None:
    """A rule of privacy that is declared later waits for no release, and is followed once."""
    store, hidden = stores.serving(), trips.plan(serve={"sensitive": ["origin"]})
    look(stores, hidden)
    again, manifest = store.released(MODEL), store.load(MODEL, store.released(MODEL)).manifest
    assert (manifest["version"], rules(manifest)["origin"]) == (1, "drop"), "a rule of privacy waits for no release"
    look(stores, hidden)
    assert store.released(MODEL) == again


def rules(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["log"] for entry in manifest["schema"]}


def stages(asset: dg.AssetsDefinition) -> list[str]:
    return [key.path[-1] for key in asset.keys]
