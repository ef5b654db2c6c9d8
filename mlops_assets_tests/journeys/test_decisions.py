"""What asks for a challenger and what doesn't, through the real sensors, runs and instance: a story told once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor import judged
from mlops_assets.rooms.monitor.evidently_report import Drawn
from mlops_assets.rooms.retrain.outbox import NOTIFICATION
from mlops_assets.rooms.train import charts
from mlops_assets_tests.journeys.rides import LIFE, Town, rides, town

pytestmark = pytest.mark.journey

RETRAIN: Mapping[str, Any] = {
    "cooldown": "11d",
    "every": "25d",
    "min_new_labels": 50,
    "persistence": {"alarms": 1, "windows": 2},
    "new_data": 99,
}


@dataclass(frozen=True)
class Chapter:
    """How things stood after something had happened.

    Attributes:
        reason: of the sensor's last tick.
        causes: of each request so far.
        outcomes: of those that are closed.
        runs: the request of each retraining that was started, the newest first.
        shown: what the UI showed of the decisions.
        window: what the monitor recorded of the batch, by stage.
        told: the events of which a person was told.
    """

    reason: str
    causes: list[list[str]]
    outcomes: list[str]
    runs: list[str]
    shown: Mapping[str, Any]
    window: Mapping[str, Any]
    told: list[str]


@dataclass
class Story:
    """Chapter by chapter."""

    town: Town
    chapters: dict[str, Chapter] = field(default_factory=dict)

    def write(self, name: str) -> None:
        """How things stand now."""
        now = self.town
        stages = ("drift_report", "performance_report")
        self.chapters[name] = Chapter(
            now.reason,
            now.causes(),
            now.outcomes(),
            now.retrainings(),
            now.shown(),
            {stage: now.window(name, stage) for stage in stages},
            [record.body["event"] for record in now.ledger.records(NOTIFICATION)],
        )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Chapter]]:
    with pytest.MonkeyPatch.context() as patch, town(tmp_path_factory.mktemp("town"), retrain=RETRAIN) as place:
        _undrawn(patch)
        told = Story(place)
        _year(told)
        yield told.chapters


def _undrawn(patch: pytest.MonkeyPatch) -> None:
    """Pictures and Evidently's plots are most of the work, and have tests of their own."""
    patch.setattr(judged, "drawn", lambda page, *_: Drawn(page.html(), ""))
    patch.setattr(charts, "png", lambda *_, **__: b"")


def _year(story: Story) -> None:
    place = story.town
    place.at_once("first", pa.concat_tables([rides(0, 30), rides(30, 10, far=1.5)]))
    story.write("first")
    place.arrive("gaps", rides(40, 10, nulls=0.5))
    story.write("gaps")
    place.arrive("far", rides(50, 10, far=2.0))
    story.write("far")
    place.arrive("turned", rides(60, 10, far=2.5, told=-1))
    story.write("turned")
    free = {**RETRAIN, "cooldown": "0d", "min_new_labels": 0}
    place.declare(rain="ge=-99", retrain={**free, "max_age": "9d"}, train={**LIFE["train"], "seed": 7})
    place.loop.settle()
    story.write("declared")
    place.declare(rain="ge=-99", retrain={**free, "budget": {"requests": 3}}, train={**LIFE["train"], "seed": 8})
    place.loop.settle()
    story.write("spent")
    place.ledger.wish("the fleet changed")
    _killed(place)
    place.reload()
    place.loop.settle()
    story.write("killed")


def _killed(place: Town) -> None:
    """Four daemons see a demand at once, and the worker of the one run that comes of it dies before its first step."""
    asked = [request for tick in place.ticks(4) for request in tick.run_requests or []]
    assert len(asked) == 1
    place.instance.report_run_failed(place.run(asked[0]))


def test_an_alarm_of_the_run_that_also_made_the_model_asks_though_nothing_saw_it_change(
    story: Mapping[str, Chapter],
) -> None:
    found = story["first"]
    drift = found.window["drift_report"]
    assert (drift["model_version"], drift["reaction"]) == (1, "challenger")
    assert found.causes == [["drift", "new_data"]]
    assert "first" in found.shown["evidence"]


def test_a_challenger_of_the_same_rows_is_none_and_a_person_is_told(story: Mapping[str, Chapter]) -> None:
    assert story["first"].outcomes == ["refused"]
    assert story["first"].told == ["refused"]


def test_a_storm_of_nulls_stops_the_way_and_asks_for_nothing(story: Mapping[str, Chapter]) -> None:
    found = story["gaps"]
    assert found.window == {"drift_report": None, "performance_report": None}
    assert found.causes == story["first"].causes
    assert found.runs == story["first"].runs


def test_a_drift_that_goes_on_is_held_by_the_raised_cooldown_which_says_so(story: Mapping[str, Chapter]) -> None:
    found = story["far"]
    assert found.window["drift_report"]["reaction"] == "challenger"
    assert found.causes == story["gaps"].causes
    raised = "raised as drift has led to nothing once"
    assert found.reason == f"cooldown: 20 days since the last request of 22, {raised} (held back: drift)"
    assert found.shown["decision"] == "no"
    assert raised in found.shown["why"]


def test_worse_answers_and_the_schedule_ask_and_the_drift_that_was_held_back_comes_along(
    story: Mapping[str, Chapter],
) -> None:
    found = story["turned"]
    assert found.window["performance_report"]["alarm"]
    assert found.causes[-1] == ["performance", "drift", "schedule"]
    for evidence in ("window far: ", "window turned: roc_auc", "30 days since the last request"):
        assert evidence in found.shown["evidence"]
    for page in ("drift_report/far", "drift_report/turned", "performance_report/turned"):
        assert page in found.shown["evidence"]
    assert len(found.causes) == len(set(found.runs)) == len(found.runs) == 2


def test_each_request_that_led_to_nothing_has_called_a_person(story: Mapping[str, Chapter]) -> None:
    assert story["killed"].told == story["killed"].outcomes == ["refused"] * len(story["killed"].causes)


def test_age_code_and_contract_each_ask_with_their_evidence_once(story: Mapping[str, Chapter]) -> None:
    found = story["declared"]
    assert found.causes == [*story["turned"].causes, ["contract", "code", "age"]]
    for evidence in ("the contract of the data was", "code and parameters were", "days ago, of 9 allowed"):
        assert evidence in found.shown["evidence"]
    assert found.reason.startswith("nothing is new since the last request")


def test_a_spent_budget_holds_back_and_says_so(story: Mapping[str, Chapter]) -> None:
    found = story["spent"]
    assert found.causes == story["declared"].causes
    assert found.reason == "budget: 3 requests in 365 days, of 3 allowed (held back: code)"


def test_a_demand_seen_by_four_daemons_whose_run_is_killed_is_answered_once(story: Mapping[str, Chapter]) -> None:
    before, found = story["spent"], story["killed"]
    assert found.causes == [*before.causes, ["demand"]]
    again = found.runs[: len(found.runs) - len(before.runs)]
    assert len(again) == 2
    assert len(set(again)) == 1
    assert len(found.outcomes) == len(found.causes)
