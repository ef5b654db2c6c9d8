"""What the service has shown of a challenger is asked for by two gates; without a report they let it pass."""

from pathlib import Path
from typing import Any

import pytest

from mlops_assets.rooms.evaluate.evidence import Evidence
from mlops_assets.rooms.evaluate.shown import shadow, stress
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets_tests.rooms import judging


@pytest.fixture
def lineage(tmp_path: Path) -> SqliteLineage:
    return SqliteLineage(tmp_path / "lineage.db")


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    data = judging.holdout()
    challenger, champion = (judging.scored(number, judging.truth(data)) for number in (2, 1))
    return judging.evidence(challenger, champion, data, limits={"latency_ms": 20.0, "throughput": 500.0})


def stressed(version: int = 2, p99_ms: float = 9.0, throughput: float = 800.0) -> dict[str, Any]:
    return {"version": version, "p99_ms": p99_ms, "throughput": throughput}


def compared(**said: Any) -> dict[str, Any]:
    told = {"version": 2, "champion": 1, "labelled": 900, "loss": -0.01, "low": -0.02, "high": 0.0}
    return {**told, **said}


def test_a_challenger_that_is_fast_enough_under_load_passes(lineage: SqliteLineage, evidence: Evidence) -> None:
    lineage.append("stress", evidence.model.name, stressed())
    gate = stress(lineage)(evidence)
    assert (gate.passed, gate.figure, gate.threshold) == (True, 9.0, 20.0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"p99_ms": 31.0}, "p99 is 31.0 ms, allowed 20"),
        ({"throughput": 90.0}, "90 answers a second, asked 500"),
    ],
)
def test_one_that_is_slow_under_load_is_refused(
    said: dict[str, float], why: str, lineage: SqliteLineage, evidence: Evidence
) -> None:
    lineage.append("stress", evidence.model.name, stressed())
    lineage.append("stress", evidence.model.name, stressed(**said))  # type: ignore[arg-type]  # figures by name
    gate = stress(lineage)(evidence)
    assert not gate.passed
    assert gate.reason == why


def test_another_versions_report_is_none_of_its_own(lineage: SqliteLineage, evidence: Evidence) -> None:
    lineage.append("stress", evidence.model.name, stressed(version=1, p99_ms=99.0))
    lineage.append("shadow", evidence.model.name, compared(version=3, loss=0.1, low=0.05))
    lineage.append("shadow", evidence.model.name, compared(champion=7, loss=0.1, low=0.05))
    assert "not stressed" in stress(lineage)(evidence).reason
    found = shadow(lineage)(evidence)
    assert (found.passed, found.reason) == (True, "it never stood beside this champion")


def test_a_shadow_that_was_clearly_further_from_the_truth_is_refused(
    lineage: SqliteLineage, evidence: Evidence
) -> None:
    lineage.append("shadow", evidence.model.name, compared(loss=0.02, low=0.01, high=0.03))
    gate = shadow(lineage)(evidence)
    assert (gate.passed, gate.figure, gate.low) == (False, 0.02, 0.01)
    assert "clearly further from the truth than version 1" in gate.reason


@pytest.mark.parametrize("said", [{}, {"loss": 0.02, "low": -0.01}, {"labelled": 12, "loss": 0.9, "low": 0.8}])
def test_one_that_was_not_or_on_few_outcomes_passes(
    said: dict[str, Any], lineage: SqliteLineage, evidence: Evidence
) -> None:
    lineage.append("shadow", evidence.model.name, compared(**said))
    assert shadow(lineage)(evidence).passed
