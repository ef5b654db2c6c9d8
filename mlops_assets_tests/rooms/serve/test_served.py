"""A bundle that answers: a question that breaks the model breaks no other, and what breaks is counted as its own."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.problems import Problem
from mlops_assets.rooms.serve.served import Served
from mlops_assets.settings import Settings
from mlops_assets.stores.online_sqlite import SqliteOnline
from mlops_assets.stores.prediction_log import LogWriter, read, segments
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms.serve.running import MODEL, ROW, release

BAD = 13.0


class Brittle:
    """An engine that has no answer to one distance, as a person's own model might not."""

    def scores(self, rows: Sequence[tuple[Any, ...]]) -> NDArray[np.float64]:
        return np.array([[0.1, np.nan if row[0] == BAD else 0.9] for row in rows])


@pytest.fixture
def served(tmp_path: Path) -> Served:
    digest = release(tmp_path, sensitive=["trip", "rain"], privacy={"carrier": "hash", "noise": "bucket"})
    found, online = ServingStore(Settings(tmp_path).serving).load(MODEL, digest), SqliteOnline(tmp_path / "online.db")
    made = Served(found, LogWriter(tmp_path / "log"), Meter(), online, outbox=Outbox(), salt=b"salt", role="champion")
    made.engine = Brittle()
    return made


def asked(served: Served, *distances: float) -> list[Any]:
    async def all_at_once() -> list[Any]:
        rows = [served.questions.inputs(*{**ROW, "distance": each}.values()) for each in distances]
        futures = [served.ask(row, None, time.perf_counter()) for row in rows]
        return await asyncio.gather(*futures, return_exceptions=True)

    return asyncio.run(all_at_once())


def test_a_question_that_breaks_the_model_takes_no_other_down_and_counts_once(served: Served, tmp_path: Path) -> None:
    said = asked(served, 1.0, BAD, 2.0)
    assert [isinstance(each, bytes) for each in said] == [True, False, True]
    assert isinstance(said[1], Problem)
    assert said[1].status == 500
    assert (served.record.answered, served.record.failed) == (2, 1)
    served._log.seal()
    [segment] = segments(tmp_path / "log")
    assert len(read(segment.path).records) == 2, "what was answered is logged, and once"


def test_many_with_one_that_breaks_the_model_are_not_answered_and_count_against_the_version(served: Served) -> None:
    rows = [served.questions.inputs(*{**ROW, "distance": each}.values()) for each in (1.0, BAD)]
    with pytest.raises(Problem) as found:
        asyncio.run(served.answer_many(rows, 0.0))
    assert found.value.status == 500
    assert served.record.failed == 2


def test_many_in_one_request_are_timed_as_one(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_assets.rooms.serve.served.PART", 2)
    rows = [served.questions.inputs(*{**ROW, "distance": each}.values()) for each in (1.0, 2.0, 3.0)]
    said = asyncio.run(served.answer_many(rows, time.perf_counter() - 1))
    assert (len(said), len(served._figures.scores), len(served._figures.seconds)) == (3, 3, 1)
    assert (served.record.answered, served.record.alone) == (3, 0)
    served._log.seal()
    [segment] = segments(tmp_path / "log")
    took = [record["us"] for record in read(segment.path).records]
    assert took[:2] == [None, None]
    assert took[2] >= 1_000_000


def test_a_full_disk_is_told_and_is_not_the_versions_fault(served: Served, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no folder")
    said = asked(served, 1.0, 2.0)
    assert {each.status for each in said} == {503}
    assert served.record.failed == 0


def test_a_key_about_a_person_is_not_logged(served: Served) -> None:
    assert served.lookups._logged({"trip": 7}) == {}
