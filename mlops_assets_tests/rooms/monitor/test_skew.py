"""What the service answered by is held against what training has of the same rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.rooms.monitor.drift import DriftFigures
from mlops_assets.rooms.monitor.faults import Fault
from mlops_assets.rooms.monitor.skew import skewed
from mlops_assets.rooms.monitor.words import drift_words
from mlops_assets.rooms.serve.score import features
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.predictions import ONLINE
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import split

PLAN = trips.plan()
Change = Callable[[dict[str, Any], int], dict[str, Any]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> DeltaLake:
    made = DeltaLake(tmp_path_factory.mktemp("lake"))
    trips.fill(made, split(trips.rows())[1], batch="april")
    return made


def found(lake: DeltaLake) -> tuple[Fault, ...]:
    return skewed(lake, PLAN, features(lake, PLAN, "april"))


def asked(lake: DeltaLake, change: Change = lambda given, _: given, *, rows: int = 200) -> DeltaLake:
    """Requests for the first rows, answered by what training has, but for a change."""
    known = features(lake, PLAN, "april").slice(0, rows)
    inputs = [
        json.dumps(change({name: row[name] for name in PLAN.features}, number))
        for number, row in enumerate(known.to_pylist())
    ]
    log = known.select([*PLAN.dataset.key, "event_time"])
    log = log.append_column("inputs", pa.array(inputs))
    log = log.append_column("prediction_id", pa.array([f"p{number}" for number in range(rows)]))
    lake.write(keys.table(PLAN.name, "predictions"), log, batch=ONLINE)
    return lake


def test_without_requests_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert skewed(DeltaLake(tmp_path), PLAN, split(trips.rows())[1]) == ()


def test_the_same_values_are_no_fault(lake: DeltaLake) -> None:
    faults = found(asked(lake))
    assert {fault.feature for fault in faults} == set(PLAN.features)
    assert {(fault.window, fault.alarm) for fault in faults} == {(0.0, False)}


def test_another_unit_stops_and_is_told_by_name(lake: DeltaLake) -> None:
    [name] = [name for name in PLAN.features if name == "distance"]
    faults = found(asked(lake, lambda given, _: {**given, name: given[name] * 1.6}))
    [fault] = [fault for fault in faults if fault.alarm]
    assert (fault.feature, fault.kind) == (name, "skew")
    assert fault.window > 0.9
    figures = DriftFigures(0.05, 3, 3, 0.5, 0.5, faults=faults, why_not="not calibrated")
    assert figures.reaction == "stop"
    assert "distance (not what training has of the same row in" in drift_words(figures)
    assert "Otherwise no judgement: not calibrated." in drift_words(figures)


def test_two_requests_in_two_hundred_are_no_fault_and_ten_are(lake: DeltaLake) -> None:
    def lost(count: int) -> Change:
        return lambda given, number: {**given, "distance": None} if number < count else given

    assert not any(fault.alarm for fault in found(asked(lake, lost(2))))
    assert [fault.feature for fault in found(asked(lake, lost(10))) if fault.alarm] == ["distance"]


def test_what_the_log_does_not_keep_is_passed_over(lake: DeltaLake) -> None:
    faults = found(asked(lake, lambda given, _: {"distance": given["distance"]}))
    assert [fault.feature for fault in faults] == ["distance"]


def test_of_values_that_may_be_older_only_those_must_be_there_that_no_night_takes_away(lake: DeltaLake) -> None:
    counts = ({"name": "seen", "stat": "mean", "of": "rain", "by": ["origin"], "over": ["3h", "7d"]},)
    plan = trips.plan(aggregations=counts)
    (part,) = plan.tables
    older = part.table.model_copy(update={"online": part.table.online.model_copy(update={"rows": False})})
    plan = replace(plan, tables=(replace(part, table=older),))
    rows = features(lake, PLAN, "april")
    for name in ("seen_3h", "seen_7d"):
        rows = rows.append_column(name, pa.array([1.0] * rows.num_rows))
    asked(lake, lambda given, _: {**given, "rain": given["rain"] + 1, "seen_3h": None, "seen_7d": None})
    faults = skewed(lake, plan, rows)
    assert [fault.feature for fault in faults if fault.alarm] == ["seen_7d"]
